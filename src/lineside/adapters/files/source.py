"""The `Source` of files: `open_source` gives it for a plan, a source of kind ``files`` and a clock.

Two of them: `FileSource` plays the files of a folder (or the one file) once, in the order of names, and ends behind
the last row; `lineside.adapters.files.watching` watches a folder for files to come. How it goes is said by
`FileOptions`; where a played file was is said by a `Position`, the token of each delivery, so that a reader that is
stopped goes on behind the last delivery that was acknowledged.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from lineside.adapters.durable_files import replace_file
from lineside.adapters.files.decode import Decoder
from lineside.adapters.files.options import FileOptions as FileOptions  # noqa: PLC0414 - goes with open_source
from lineside.adapters.files.reading import Work, files_at
from lineside.adapters.files.watching import WatchedFiles
from lineside.domain.errors import ConfigurationError, SourceError
from lineside.domain.health.sources import SourceCondition, SourceRecord
from lineside.domain.intake.reasons import Reason, refuse
from lineside.domain.plan.model import FilesSpec, Plan
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.ports import Clock, SourceDelivery

_AT_ONCE: Final = FileOptions()


@dataclass(frozen=True, slots=True)
class Position:
    """Behind row ``row`` of a file (rows count from 1), with ``before`` rows in the files before it."""

    file: str = ""
    row: int = 0
    before: int = 0


class FileSource:
    """Readings or finished part rows from a file or a folder, played once."""

    def __init__(
        self,
        plan: Plan,
        spec: FilesSpec,
        clock: Clock,
        *,
        root: Path = Path(),
        options: FileOptions = _AT_ONCE,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._spec = spec
        self._path = root / spec.path.removeprefix("file://")
        self._options = options
        self._clock = clock
        self._decoder = Decoder(plan, spec, clock, options, sleep)
        self._record = SourceRecord()
        self._position = Position()
        self._closed = False

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the plan."""
        return self._decoder.gate.catalogue

    @property
    def position(self) -> Position:
        """Behind the last delivery that was acknowledged."""
        return self._position

    @property
    def condition(self) -> SourceCondition:
        """How it stands with its peer."""
        return self._record.condition

    def remember(self, seen: Iterable[ReadingBatch]) -> None:
        """Take note of readings that were accepted before."""
        for batch in seen:
            self._decoder.gate.remember(batch)

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield the rows of all files, from the acknowledged position on.

        Raises:
            SourceError: there is no such file or folder.
        """
        self._record.start(self._clock.now())
        if not self._path.exists():
            self._record.lose(self._clock.now(), f"there is no {self._path}")
            raise SourceError(
                "no such file or folder",
                field=f"sources.{self._spec.id}.path",
                value=str(self._path),
                next_step="correct the path in the plan, or create the folder",
            )
        self._position = at = self._restored()
        self._record.connect(self._clock.now())
        for file in [file for file in files_at(self._path) if file.name >= at.file]:
            at = at if file.name == at.file else Position(file.name, 0, at.before + at.row)
            async for delivery in self._file(file, at):
                if self._closed:
                    return
                assert isinstance(delivery.token, Position)
                at = delivery.token
                yield delivery
        self._record.stop(self._clock.now())

    async def acknowledge(self, token: object) -> None:
        """Go on behind this delivery after a restart."""
        if not isinstance(token, Position):
            raise TypeError(f"a token of another source: {token!r}")
        self._position = token
        if self._options.state is not None:
            content = json.dumps(asdict(token)).encode()
            await asyncio.to_thread(replace_file, self._options.state, content)

    async def close(self) -> None:
        """Stop at the next row."""
        self._closed = True
        self._record.stop(self._clock.now())

    async def _file(self, file: Path, at: Position) -> AsyncIterator[SourceDelivery]:
        self._record.mend("the newest file")
        work = Work(path=file, name=file.name, label=file.stem, after=at.row, before=at.before)
        row = at.row
        try:
            async for delivery, row in self._decoder.deliveries(work):
                yield replace(delivery, token=Position(file.name, row, at.before))
        except OSError as error:
            refusal = refuse(Reason.UNREADABLE_FILE, file.name, f"{error}.")
            self._decoder.gate.refuse(refusal, received=self._clock.now())
            delivery = self._decoder.taken((), self._options.is_replay)
            yield replace(delivery, token=Position(file.name, row, at.before))
            self._decoder.failed = refusal.detail
        if self._decoder.failed:
            self._record.trouble("the newest file", f"{file.name}: {self._decoder.failed}")

    def _restored(self) -> Position:
        state = self._options.state
        if state is None or not state.exists():
            return self._position
        try:
            return Position(**json.loads(state.read_text()))
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                "the file that keeps the position cannot be read",
                where=str(state),
                next_step="delete it to begin anew",
            ) from error


def open_source(
    plan: Plan,
    spec: FilesSpec,
    clock: Clock,
    *,
    root: Path = Path(),
    options: FileOptions = _AT_ONCE,
    seen: Iterable[ReadingBatch] = (),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> FileSource | WatchedFiles:
    """Return the source of the files that ``spec`` names; a relative path is relative to ``root``.

    ``seen`` are readings that were accepted before a restart: if they come again they are duplicates.

    Raises:
        ConfigurationError: the time zone is unknown, or the address is of no known kind.
    """
    if not options.follow and "://" in spec.path and not spec.path.startswith("file://"):
        raise ConfigurationError(
            "files on a server are watched, not replayed",
            field=f"sources.{spec.id}.path",
            value=spec.path,
            next_step="copy them here to replay them",
        )
    kind = WatchedFiles if options.follow else FileSource
    source = kind(plan, spec, clock, root=root, options=options, sleep=sleep)
    source.remember(seen)
    return source
