"""A PostgreSQL server of a test's own, as a child process, and databases in it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import psycopg

from lineside.testing.peers.ports import free_port

_USER: Final = "lineside"
_NOBODY: Final = "nobody"
_WITHIN: Final = 60.0


def programs() -> Path | None:
    """Return the folder of the server's programs, or None: a path of one's own, or where Debian has them."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


class PostgresServer:
    """A server that can be stopped, killed, frozen and started again at the same port; it trusts whoever asks."""

    def __init__(self, folder: Path) -> None:
        found = programs()
        assert found is not None
        self._programs, self._folder = found, folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        # It refuses to run as root.
        self._as = pwd.getpwnam(_NOBODY).pw_uid if os.geteuid() == 0 else None

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        self._databases += 1
        name = f"plant_{self._databases}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def start(self) -> None:
        """Start it, the first time with an empty cluster, and wait until it answers."""
        data = self._folder / "data"
        if not data.exists():
            how = ["--auth=trust", f"--username={_USER}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
            self._run("initdb", f"--pgdata={data}", *how).wait()
        end = time.monotonic() + _WITHIN
        while not self._answers():
            assert time.monotonic() < end, (self._folder / "log").read_text()
            if self._process is None or self._process.poll() is not None:
                # After a kill it refuses as long as a process of the one before is left.
                settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self._folder}
                said = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
                self._process = self._run("postgres", "-D", str(data), *said)
            time.sleep(0.02)

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - its own programs
                [self._programs / program, *arguments], user=self._as, cwd=self._folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, *, kill: bool = False) -> None:
        """Stop it: at once and in order, or as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGINT)
            self._process.wait()
            self._process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let none of its processes run for the length of a block."""
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        pids = [server.pid, *(child.pid for child in server.children(recursive=True))]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def postgresql() -> Iterator[PostgresServer]:
    """Run a server in a folder of its own for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="lineside-pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, _NOBODY)
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
