"""One SQLite file, one connection, one thread: how the outbox, the landing table and the audit chain are kept.

A commit waits for the disk, so it must not happen on the event loop. Jobs queue up for one thread, which takes
all that wait into one transaction (group commit): the slower the disk, the more jobs share its wait. A job's
result is handed back only after the transaction is durable.

When a transaction fails, nobody in it is told anything but `StorageError`, and the connection is thrown away:
after a failed fsync the pages in memory are no proof of what is on the disk. The next job opens the file anew.

The files are in WAL mode with ``synchronous=FULL``, the one pair under which a returned commit was never lost in
simulated power cuts. Pages of 16 KiB and a checkpoint every 256 of them keep the slowest commits short; whoever waits
for a commit is told before the checkpoint begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import apsw

from lineside.adapters.durable_files import sync_path
from lineside.domain.errors import StorageError

_T = TypeVar("_T")
_MOST_JOBS: Final = 128
_BUSY_SECONDS: Final = 20.0
_OPEN_TRIES: Final = 40
_PRAGMAS: Final = (
    "PRAGMA page_size=16384",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
)
_CHECKPOINT_PAGES: Final = 256


@dataclass(eq=False, slots=True)
class _Job:
    work: Callable[[apsw.Connection], Any]
    writes: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class SqliteThread:
    """Runs jobs on one SQLite file in a thread of its own.

    ``prepare`` is called with every newly opened connection, outside a transaction: it creates what is missing and
    reads what its owner keeps in memory. After every transaction that did not commit the file is opened anew, so
    what is kept in memory never runs ahead of the file.
    """

    def __init__(self, path: Path, prepare: Callable[[apsw.Connection], None]) -> None:
        self._path = path
        self._prepare = prepare
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: apsw.Connection | None = None
        self._pages = 0
        self._closed = False

    async def run(self, work: Callable[[apsw.Connection], _T], *, writes: bool = True) -> _T:
        """Run a job inside a transaction and return its result once that is durable.

        A job may be run a second time when another of its group is refused: it must keep its effects inside the
        transaction.

        Raises:
            StorageError: nothing of it is durable.
        """
        if self._closed:
            raise StorageError("the store is closed", where=str(self._path))
        loop = asyncio.get_running_loop()
        job = _Job(work, writes, loop, loop.create_future())
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=f"sqlite-{self._path.name}", daemon=True)
            self._thread.start()
        return cast("_T", await job.future)

    async def close(self) -> None:
        """Finish what waits, then close the file; may be called more than once."""
        self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _serve(self) -> None:
        while (first := self._jobs.get()) is not None:
            group, last = self._waiting(first)
            self._settle(group)
            self._checkpoint()
            if last:
                break
        self._disconnect()

    def _waiting(self, first: _Job) -> tuple[list[_Job], bool]:
        """Return the jobs that wait now, and whether the end was among them."""
        group = [first]
        while len(group) < _MOST_JOBS:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _settle(self, group: list[_Job]) -> None:
        """Run a group to its end and tell everyone in it."""
        waiting = list(group)
        while waiting:
            refused = self._transact(waiting)
            if refused is None:
                break
            waiting.remove(refused)
        for loop in {job.loop for job in group}:
            mine = [job for job in group if job.loop is loop]
            try:
                loop.call_soon_threadsafe(_tell, mine)
            except RuntimeError:
                continue  # the loop has ended: nobody waits any more

    def _checkpoint(self) -> None:
        """Move what was committed from the log to the file, where that is much; what fails is done later."""
        if self._connection is not None and self._pages >= _CHECKPOINT_PAGES:
            with contextlib.suppress(apsw.Error):
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._pages = 0

    def _note_pages(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def _transact(self, group: list[_Job]) -> _Job | None:
        """Run the jobs in one transaction; return the job that was refused, if the others must run again."""
        try:
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE" if any(job.writes for job in group) else "BEGIN")
            for job in group:
                try:
                    job.result = job.work(connection)
                except apsw.Error:
                    raise
                except Exception as error:  # noqa: BLE001 - handed to whoever waits for this job; the thread goes on
                    job.error = error
                    self._disconnect()
                    return job
            connection.execute("COMMIT")
        except (apsw.Error, OSError, StorageError) as error:
            self._disconnect()
            for job in group:
                job.error = StorageError(f"not durable: {error}", where=str(self._path))
                job.error.__cause__ = error
        return None

    def _connect(self) -> apsw.Connection:
        if self._connection is not None:
            return self._connection
        new = not self._path.exists()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for tries_left in range(_OPEN_TRIES, -1, -1):
            connection = apsw.Connection(str(self._path))
            try:
                self._set_up(connection)
                break
            except apsw.BusyError:
                # Another process is switching the new file to WAL, which does not wait for its turn.
                connection.close()
                if not tries_left:
                    raise
                time.sleep(0.05)
            except BaseException:
                connection.close()
                raise
        if new:
            sync_path(self._path.parent)
        self._connection = connection
        return connection

    def _set_up(self, connection: apsw.Connection) -> None:
        connection.set_busy_timeout(int(_BUSY_SECONDS * 1000))
        for pragma in _PRAGMAS:
            connection.execute(pragma).fetchall()
        connection.set_wal_hook(self._note_pages)
        self._prepare(connection)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(True)


def _tell(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue  # cancelled while the disk was busy
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
