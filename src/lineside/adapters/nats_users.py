"""Who may come in at a NATS server, and what each may do there: one included file, loaded while the server runs.

The plant's own user may do everything. A gateway signs in with its own key and may publish and hear what the subjects
of its line say; whoever holds an enrolment token may ask one question and hear its answer. Nobody else comes in, and
nobody but the plant reaches the administration of streams.

Loading the file anew closes the connections of those who are no longer in it.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineside.adapters.durable_files import replace_file
from lineside.domain.errors import ConfigurationError, UnavailableError

USERS_FILE: Final = "users.conf"
PID_FILE: Final = "nats.pid"
_FORBIDDEN: Final = {
    "websocket": "a listener for browsers, which nothing here needs",
    "no_auth_user": "a user for those who do not say who they are",
    "leafnodes": "a port at which other servers join",
    "leaf": "a port at which other servers join",
    "cluster": "a port at which other servers join",
    "gateway": "a port at which other servers join",
    "http": "a page that tells everybody who is connected",
    "http_port": "a page that tells everybody who is connected",
    "https": "a page that tells everybody who is connected",
    "https_port": "a page that tells everybody who is connected",
    "monitor_port": "a page that tells everybody who is connected",
}
"""Settings that open a way in beside the one listener, and what each of them is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NatsUser:
    """A user by public NKey, what it may publish, and what it may hear."""

    key: str
    publish: Sequence[str]
    subscribe: Sequence[str]


def render_users(user: str, password: str, users: Sequence[NatsUser]) -> str:
    """Return the text of `USERS_FILE`: the plant's own user, and the others with their permissions."""
    quoted = json.dumps
    lines = ["authorization {", "  timeout: 2", "  users: ["]
    lines.append(f"    {{ user: {quoted(user)}, password: {quoted(password)} }}")
    for item in users:
        allowed = f"publish: {quoted(list(item.publish))}, subscribe: {quoted(list(item.subscribe))}"
        lines.append(f"    {{ nkey: {item.key}, permissions: {{ {allowed} }} }}")
    return "\n".join([*lines, "  ]", "}"]) + "\n"


def write_users(folder: Path, user: str, password: str, users: Sequence[NatsUser]) -> bool:
    """Write who may come in at the server of a folder, and have it loaded; return whether anything changed.

    Raises:
        StorageError: the file is as it was before.
        UnavailableError: the server runs and does not take the signal.
    """
    path, text = folder / USERS_FILE, render_users(user, password, users)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    replace_file(path, text.encode())
    reload_server(folder)
    return True


def reload_server(folder: Path) -> None:
    """Have the server of a folder load its configuration anew; one that does not run will when it starts.

    Raises:
        UnavailableError: it runs and cannot be signalled.
    """
    pid = server_pid(folder)
    if pid is None:
        return
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise UnavailableError(
            "the transport belongs to another user and was not told of the change",
            field="pid",
            value=pid,
            next_step="run this as the user of the transport, or reload it there",
        ) from error


def server_pid(folder: Path) -> int | None:
    """Return the process id of the server that runs with a folder's configuration, None where none does."""
    try:
        pid = int((folder / PID_FILE).read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    # A number alone could by now be somebody else's.
    return pid if b"nats-server" in command.split(b"\0")[0] else None


def check_configuration(path: Path) -> None:
    """Refuse a server's configuration that opens a way in which is not meant to be there.

    Raises:
        ConfigurationError: with the setting, and what it opens.
    """
    text = _whole(path)
    # A key begins a line or follows a brace or comma; what parts it from its value may be a blank alone.
    names = {name.lower() for name in re.findall(r"(?:^|[\n{,;])\s*([A-Za-z_]+)(?=[\s:={])", text)}
    for name, why in _FORBIDDEN.items():
        if name in names:
            raise ConfigurationError(
                f"the transport's configuration has {why}", where=str(path), field=name, next_step="take it out"
            )
    if "authorization" not in names and "accounts" not in names:
        raise ConfigurationError("the transport would let everybody in", where=str(path), field="authorization")


def _whole(path: Path, depth: int = 0) -> str:
    """Return a configuration without texts and comments, with what it includes."""
    text = re.sub(r"(?m)(?<![\w:/])(#|//).*$", "", path.read_text(encoding="utf-8"))
    included = re.findall(r"(?m)^\s*include[\s:=]+[\"']?([^\s\"']+)", text)
    text = re.sub(r"[\"'](\w+)[\"'](?=\s*[:={])", r"\1", text)  # keys may be quoted too
    stripped = re.sub(r"\"[^\"\n]*\"|'[^'\n]*'", '""', text)
    if depth < 3:
        files = [path.parent / name for name in included]
        stripped += "".join("\n" + _whole(file, depth + 1) for file in files if file.exists())
    return stripped
