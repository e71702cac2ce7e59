"""A rig of three real processes: an edge that commits and forwards, a NATS server, a site that lands and keeps.

Small enough to be started in a second or two, and made of the real adapters and flows, so that a fault can be done to
any process, folder or link of it. `Rig.account` then compares what the edge was told is durable with the history.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineside.adapters.durable_files import replace_file
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.nats_server import find_binary
from lineside.testing.faults.edge import BATCH

EDGE: Final = "edge"
SITE: Final = "site"
NATS: Final = "nats"
_STILL_SECONDS: Final = 20.0
_KEY: Final = b"k" * 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What became of the records that were accepted; ``lost`` are in neither history nor quarantine."""

    accepted: int
    quarantined: int
    lost: tuple[tuple[str, int], ...]
    doubled: int
    invented: int

    @property
    def is_whole(self) -> bool:
        """Whether every accepted record is in the history exactly once, and nothing else is."""
        return not self.lost and not self.doubled and not self.invented


@dataclass(slots=True)
class _Process:
    """One process with the lines that it has printed."""

    popen: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.lines.append(line.rstrip())


class Rig:
    """The processes and folders; ``prefix`` runs a part's command under another one (strace, ip netns exec).

    ``server`` is what the parts connect to; a link that can be cut stands between where it is another address.
    """

    def __init__(self, root: Path, port: int, *, edge: Path | None = None, site: Path | None = None) -> None:
        self.root = root
        self.port = port
        self.folders = {EDGE: edge or root / EDGE, SITE: site or root / SITE}
        self.host = "127.0.0.1"
        self.server = {EDGE: f"nats://127.0.0.1:{port}", SITE: f"nats://127.0.0.1:{port}"}
        self.prefix: dict[str, Sequence[str]] = {}
        self.environment: dict[str, Mapping[str, str]] = {}
        self._processes: dict[str, _Process] = {}
        self._acked: set[tuple[str, int]] = set()

    def start(self) -> None:
        """Start all three and wait until the first record is in the history."""
        for part in (NATS, SITE, EDGE):
            self.start_part(part)
        self.until(lambda: self.held() > 0)

    def start_part(self, part: str) -> None:
        """Start one part and wait until it is ready."""
        command = [*self.prefix.get(part, ()), *self._command(part)]
        with (self.root / f"{part}.log").open("a") as log:
            popen = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
                env={**os.environ, **self.environment.get(part, {})},
                start_new_session=True,  # so that a prefix command and the part itself end together
            )
        process = self._processes[part] = _Process(popen)
        threading.Thread(target=process.read, daemon=True).start()
        if part == SITE:
            self.until(lambda: "ready" in process.lines or popen.poll() is not None)

    def lines(self, part: str) -> list[str]:
        """Return what a part has printed since it was last started."""
        return list(self._processes[part].lines)

    def pid(self, part: str) -> int:
        """Return the process id of a part (of its prefix command, where it has one)."""
        return self._processes[part].popen.pid

    def end(self, part: str, how: signal.Signals = signal.SIGKILL) -> int:
        """End a part and wait for it; return its exit code. What it printed is kept."""
        process = self._processes.pop(part, None)
        if process is None:
            return 0
        self._acked |= _acked(process.lines)
        with suppress(ProcessLookupError):
            os.killpg(process.popen.pid, signal.SIGCONT)
            os.killpg(process.popen.pid, how)
        code = process.popen.wait(timeout=30)
        self._acked |= _acked(process.lines)
        return code

    @contextmanager
    def paused(self, part: str) -> Iterator[None]:
        """Stop a part without ending it, as a machine that hangs does, and let it go on afterwards."""
        os.kill(self.pid(part), signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid(part), signal.SIGCONT)

    @contextmanager
    def limited(self, part: str, limit: int, value: int) -> Iterator[None]:
        """Let a running part have less of something (a ``resource.RLIMIT_...``), then what it had before."""
        before = resource.prlimit(self.pid(part), limit)
        resource.prlimit(self.pid(part), limit, (value, before[1]))
        try:
            yield
        finally:
            with suppress(ProcessLookupError):  # a part may end for want of it
                resource.prlimit(self.pid(part), limit, before)

    def ended(self, part: str) -> bool:
        """Return whether a part has ended by itself."""
        return self._processes[part].popen.poll() is not None

    def wait_for_end(self, part: str, within: float = 60.0) -> int:
        """Wait until a part ends by itself, and return its exit code. What it printed is kept."""
        self._processes[part].popen.wait(timeout=within)
        return self.end(part)

    def again(self, part: str) -> None:
        """Kill a part and start it again."""
        self.end(part)
        self.start_part(part)

    def acked(self) -> set[tuple[str, int]]:
        """Return every record, by epoch and sequence, that the edge was told is durable."""
        if EDGE in self._processes:
            self._acked |= _acked(self._processes[EDGE].lines)
        return set(self._acked)

    def forget_acked_but(self, kept: set[tuple[str, int]]) -> None:
        """Leave out of the account what was accepted after the moment that ``kept`` was."""
        self._acked &= kept

    def refusals(self) -> int:
        """Return how many commits the edge's outbox has refused since the edge was last started."""
        return sum(line.startswith("refused") for line in self.lines(EDGE))

    def progress(self, records: int = 5, within: float = 60.0) -> None:
        """Wait until so many more records are accepted."""
        before = len(self.acked())
        self.until(lambda: len(self.acked()) >= before + records, within)

    def held(self) -> int:
        """Return how far the history is, by what the site printed."""
        if SITE not in self._processes:
            return 0
        return max((int(line.split()[1]) for line in self.lines(SITE) if line.startswith("held")), default=0)

    def until(self, what: Callable[[], bool], within: float = 60.0) -> None:
        """Wait for a condition.

        Raises:
            AssertionError: it does not come about; with what the parts printed last.
        """
        deadline = time.monotonic() + within
        while not what():
            ended = [part for part in self._processes if self.ended(part)]
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"not within {within} s; ended: {ended}; {self._said()}")
            time.sleep(0.02)

    def account(self) -> Account:
        """Let what is under way arrive, end everything, and compare the two ends."""
        wanted = self.acked()
        self.end(EDGE, signal.SIGTERM)
        self.start_part(EDGE)  # an edge forwards what it has; what it adds meanwhile is accepted as well
        self._wait_for(wanted)
        for part in (EDGE, SITE, NATS):
            self.end(part, signal.SIGTERM)
        found, quarantined = self._in_history(), self._in_quarantine()
        return Account(
            accepted=len(wanted),
            quarantined=len(quarantined),
            lost=tuple(sorted(wanted - found.keys() - quarantined)),
            doubled=sum(count != BATCH for count in found.values()) + self._repeated(),
            invented=sum(sequence < 1 for _, sequence in found),
        )

    def _wait_for(self, wanted: set[tuple[str, int]]) -> None:
        """Wait until the history holds all that is wanted, for as long as more of it comes."""
        held, moved = -1, time.monotonic()
        while wanted - (found := self._in_history().keys() | self._in_quarantine()):
            if len(found) != held:
                held, moved = len(found), time.monotonic()
            elif time.monotonic() - moved > _STILL_SECONDS:
                raise AssertionError(f"{len(wanted - found)} records do not come; {self._said()}")
            time.sleep(0.2)

    def close(self) -> None:
        """End every part that still runs."""
        for part in list(self._processes):
            self.end(part)

    def _in_history(self) -> dict[tuple[str, int], int]:
        """Return the number of rows of every record of readings that the history holds."""
        query = HistoryQuery(self.folders[SITE] / "history")
        rows = query.sql("SELECT epoch, sequence, count(*) AS n FROM readings GROUP BY ALL").to_pylist()
        return {(row["epoch"], row["sequence"]): row["n"] for row in rows}

    def _in_quarantine(self) -> set[tuple[str, int]]:
        """Return the records in whose place the history holds a note that they could not be read."""
        query = HistoryQuery(self.folders[SITE] / "history")
        rows = query.sql("SELECT DISTINCT epoch, sequence FROM quarantine WHERE reason = 'record'").to_pylist()
        return {(row["epoch"], row["sequence"]) for row in rows}

    def _repeated(self) -> int:
        """Return how many readings stand in the history under another identity or value than their own."""
        wrong = f"SELECT count(*) AS n FROM readings WHERE value != sequence * {BATCH} + item"  # noqa: S608 - a number
        query = HistoryQuery(self.folders[SITE] / "history")
        return int(query.sql(wrong).to_pylist()[0]["n"]) + query.doubled()["readings"]

    def _command(self, part: str) -> list[str]:
        if part == NATS:
            config = self.root / "nats.conf"
            config.write_text(f"host: {self.host}\nport: {self.port}\n")
            return [str(find_binary()), "--config", str(config)]
        folder = self.folders[part]
        folder.mkdir(parents=True, exist_ok=True)
        key = folder / "watermark.key"
        if not key.exists():
            replace_file(key, _KEY)
        return [sys.executable, "-m", f"lineside.testing.faults.{part}", str(folder), self.server[part]]

    def _said(self) -> str:
        said = (
            f"{part}: {process.lines[-3:]} {(self.root / f'{part}.log').read_text()[-1500:] if part != NATS else ''}"
            for part, process in self._processes.items()
        )
        return "; ".join(said)


def _acked(lines: Sequence[str]) -> set[tuple[str, int]]:
    """Return the records that an edge's lines say are durable; a line that was cut short says nothing."""
    words = (line.split() for line in lines if line.startswith("acked"))
    return {(word[1], int(word[2])) for word in words if len(word) == 3 and word[2].isdigit()}


MakeRig = Callable[..., Rig]
"""Makes a rig; the arguments say where the folders of its parts are."""
