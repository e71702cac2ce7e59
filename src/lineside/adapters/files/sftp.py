"""SFTP with pinned host keys.

A key that is not in the known hosts file is refused with its fingerprint and the line that would trust it: nobody
is trusted because he was the first to answer.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from lineside.adapters.files.options import FileOptions
from lineside.domain.errors import ConfigurationError
from lineside.domain.plan.model import FilesSpec

try:
    import paramiko
    from fsspec.implementations.sftp import SFTPFileSystem
except ImportError as error:
    raise ConfigurationError("SFTP needs paramiko", next_step="install lineside[files]") from error

WITHIN: Final = 15.0
"""Seconds within which the server must answer each step of a connection."""
STALLED: Final = 30.0
"""Seconds without a byte after which a transfer counts as lost."""


class HostKeyError(OSError):
    """The server's key is not the one that is trusted."""


class PinnedSftp(SFTPFileSystem):  # type: ignore[misc]
    """fsspec's file system over a connection whose host key was checked against a file."""

    cachable = False

    def __init__(self, host: str, known_hosts: Path | None, **ssh: Any) -> None:
        self._known_hosts = known_hosts
        super().__init__(host, **ssh)

    def _connect(self) -> None:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_Refuse(self._known_hosts))
        if self._known_hosts is not None and self._known_hosts.exists():
            client.load_host_keys(str(self._known_hosts))
        try:
            client.connect(
                self.host,
                timeout=WITHIN,
                banner_timeout=WITHIN,
                auth_timeout=WITHIN,
                channel_timeout=WITHIN,
                allow_agent=False,
                look_for_keys=False,
                **self.ssh_kwargs,
            )
            self.ftp = client.open_sftp()
            self.ftp.get_channel().settimeout(STALLED)
        except paramiko.BadHostKeyException as error:
            client.close()
            raise HostKeyError(_changed(error, self._known_hosts)) from error
        except paramiko.AuthenticationException as error:
            client.close()
            raise PermissionError(f"{self.host} refuses the login: {error}") from error
        except BaseException:
            client.close()
            raise
        self.client = client

    def open(self, path: str, mode: str = "rb", **more: Any) -> Any:
        """Open a file; what is read is asked for ahead, a few requests at a time."""
        file = super().open(path, mode, **more)
        if mode == "rb":
            _keep_quiet(file)
            file.prefetch(max_concurrent_requests=64)
        return file

    def mv(self, old: str, new: str, **_: Any) -> None:
        """Rename a file; the server refuses it where the new name is taken."""
        self.ftp.rename(self._strip_protocol(old), self._strip_protocol(new))

    def invalidate_cache(self, path: str | None = None) -> None:
        """Do nothing: nothing is cached."""


class _Refuse(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    def __init__(self, known_hosts: Path | None) -> None:
        self._known_hosts = known_hosts

    def missing_host_key(self, _: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Refuse."""
        raise HostKeyError(
            f"the host key of {hostname} is not trusted: {key.get_name()} {fingerprint(key)}; "
            f"if that is the server's own fingerprint: {trust_command(hostname, key, self._known_hosts)}"
        )


def connect_sftp(spec: FilesSpec, options: FileOptions) -> PinnedSftp:
    """Return a connected file system.

    Raises:
        HostKeyError: the server's key is not trusted.
        OSError: it does not answer, or refuses the login.
    """
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # what it would write is in the error
    address = urlsplit(spec.path)
    login: dict[str, Any] = {"port": address.port or 22, "username": spec.username or unquote(address.username or "")}
    if options.private_key is not None:
        login |= {"key_filename": str(options.private_key), "passphrase": options.password or None}
    else:
        login["password"] = options.password
    return PinnedSftp(address.hostname or "", options.known_hosts, **login)


def _keep_quiet(file: Any) -> None:
    """Keep the thread that asks ahead from printing a traceback when the line is cut: the reader gets the error."""
    ask = file._prefetch_thread  # noqa: SLF001 - there is no public way

    def ask_quietly(*chunks: Any) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            ask(*chunks)

    file._prefetch_thread = ask_quietly  # noqa: SLF001 - as above


def fingerprint(key: paramiko.PKey) -> str:
    """Return the SHA-256 fingerprint of a key, as ssh-keygen shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def trust_command(host: str, key: paramiko.PKey, known_hosts: Path | None) -> str:
    """Return the command that trusts a key."""
    return f"echo '{host} {key.get_name()} {key.get_base64()}' >> {known_hosts or 'SOURCE.known_hosts'}"


def _changed(error: paramiko.BadHostKeyException, known_hosts: Path | None) -> str:
    return (
        f"the host key of {error.hostname} is not the trusted one: it shows {error.key.get_name()} "
        f"{fingerprint(error.key)}, trusted is {fingerprint(error.expected_key)}; if the server was really renewed, "
        f"remove its line from {known_hosts} and trust the new key"
    )
