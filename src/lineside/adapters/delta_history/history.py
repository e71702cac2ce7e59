"""Writing the history: each landed record once, durable before anybody relies on it.

For a stretch of landed records, in this order:

1. for each table, leave out the records that its own last transaction already covers;
2. append the rest in one commit that carries ``lineside:<table>`` = the stretch's last position;
3. sync the commit's files and directories;
4. once all tables are done, write the position down, durably.

A crash at any point repeats steps whose effect is already there: step 1 finds that out from the table itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction, write_deltalake
from deltalake.exceptions import DeltaError

from lineside.adapters.delta_history.durable import LOG, forget_checksums, remove_partial, scrub, sync_commit, sync_tail
from lineside.adapters.delta_history.tables import (
    PARTITIONS,
    READINGS,
    TABLES,
    readable,
    reading_rows,
    reduced_rows,
    rows_of,
)
from lineside.adapters.durable_files import replace_file
from lineside.domain.errors import IntegrityError, StorageError
from lineside.domain.readings import Catalogue
from lineside.ports import LandedRecord
from lineside.wire.codecs import decode_catalogue, decode_readings, readings_catalogue
from lineside.wire.records import RecordKind
from lineside.wire.reduced import decode_reduced

_POSITION: Final = "position.json"
_CATALOGUES: Final = "catalogues.json"
NOTHING_SPARE: Final = 2**63 - 1
"""Says that no landing table holds any of the records that the history holds."""
_COMPACT_EVERY: Final = 40
"""Commits after which a table's small files are joined."""


class DeltaHistory:
    """`lineside.ports.History` in a folder of Delta tables; make one with `open`. One process may write.

    ``recipes`` gives the feature names of each recipe's digest, so that parts carry them.
    """

    def __init__(self, root: Path, recipes: Mapping[str, Sequence[str]]) -> None:
        self._root = root
        self._recipes = recipes
        self._catalogues: dict[str, Catalogue] = {}
        self._position = 0
        self._turn = asyncio.Lock()
        self.repaired: dict[str, int] = {}

    @classmethod
    async def open(
        cls,
        root: Path,
        recipes: Mapping[str, Sequence[str]] | None = None,
        *,
        spare_from: int = NOTHING_SPARE,
        exact: bool = False,
    ) -> DeltaHistory:
        """Open the history in a folder, after checking every table.

        ``spare_from`` is the position behind which the landing table still holds its records: a table that is damaged
        there is cut back, and `position` falls to what is left. ``exact``: keep nothing beyond the position either.

        Raises:
            IntegrityError: a table is damaged where it was relied on and cannot be made again.
        """
        history = cls(root, recipes or {})
        await asyncio.to_thread(history._load, spare_from, exact=exact)
        return history

    async def position(self) -> int:
        """Return the position up to which every table is durable."""
        return self._position

    async def append(self, records: Sequence[LandedRecord]) -> int:
        """Add landed records, ascending; return the position up to which every table is durable.

        Raises:
            StorageError: some of it is not durable; adding the same again is safe.
        """
        await self._write(self._append, records)
        return self._position

    async def join_small_files(self) -> None:
        """Join the small files of every table that has had many commits since the last time.

        Raises:
            StorageError: some of it was not done; nothing is lost by that.
        """
        await self._write(self._join_small_files)

    async def _write(self, work: Callable[..., None], *arguments: object) -> None:
        """Do one thing at a time, in a thread; whatever keeps a disk from being read or written is a `StorageError`."""
        async with self._turn:
            try:
                await asyncio.to_thread(work, *arguments)
            except (DeltaError, OSError) as error:
                raise StorageError(f"the history cannot be written: {error}", where=str(self._root)) from error

    def _load(self, spare_from: int, *, exact: bool) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        try:
            self._position = json.loads((self._root / _POSITION).read_text())["position"]
        except FileNotFoundError:
            self._position = 0
        try:
            known = json.loads((self._root / _CATALOGUES).read_text())
        except FileNotFoundError:
            known = []
        for signals, texts in known:
            catalogue = Catalogue(tuple(signals), frozenset(texts))
            self._catalogues[catalogue.digest] = catalogue
        for table in TABLES:
            remove_partial(self._root / table)
            cut = scrub(self._root / table, self._position, spare_from, exact=exact)
            if cut is not None:
                self.repaired[table] = cut.versions
                self._fall_back(cut.held)
            sync_tail(self._root / table, self._position)
            self._check_files(table)

    def _fall_back(self, held: int) -> None:
        """Note that some table holds only what lies up to a position: the rest is asked of the landing table again."""
        if held < self._position:
            self._position = held
            replace_file(self._root / _POSITION, json.dumps({"position": held}).encode())

    def _check_files(self, table: str) -> None:
        """Refuse a table of which a data file is gone."""
        found = self._open(table)
        gone = [uri for uri in found.file_uris() if not Path(uri).exists()] if found is not None else []
        if gone:
            raise IntegrityError(
                "a data file of the history is gone",
                where=str(self._root / table),
                value=Path(gone[0]).name,
                next_step="restore the table from a backup; nothing was changed",
            )

    def _append(self, records: Sequence[LandedRecord]) -> None:
        landed = [entry for entry in records if entry.position > self._position]
        if not landed:
            return
        last = landed[-1].position
        new = self._readable(landed)
        for table in TABLES:
            done = self._done(table)
            rows = self._rows(table, [entry for entry in new if entry.position > done])
            if rows is not None:
                self._commit(table, rows, last, after=max(done, self._position))
        replace_file(self._root / _POSITION, json.dumps({"position": last}).encode())
        self._position = last

    def _readable(self, records: Sequence[LandedRecord]) -> list[LandedRecord]:
        """Learn the catalogues on the way, and put quarantine records in the place of what cannot be read."""
        before = len(self._catalogues)
        found = []
        for entry in records:
            if entry.record.header.kind is RecordKind.CATALOGUE:
                catalogue = decode_catalogue(entry.record.body)
                self._catalogues[catalogue.digest] = catalogue
            found.append(readable(entry, self._catalogues))
        if len(self._catalogues) > before:
            known = [[list(item.signals), sorted(item.texts)] for item in self._catalogues.values()]
            replace_file(self._root / _CATALOGUES, json.dumps(known).encode())
        return found

    def _rows(self, table: str, records: Sequence[LandedRecord]) -> pa.Table | None:
        pieces = []
        if table != READINGS and (rows := rows_of(table, records, self._recipes)) is not None:
            pieces.append(rows)
        for entry in records:
            header, body = entry.record.header, entry.record.body
            if header.kind is RecordKind.READINGS and table == READINGS:
                catalogue = self._catalogues[readings_catalogue(body)]
                pieces.append(reading_rows(header, decode_readings(body, catalogue)))
            elif header.kind is RecordKind.REDUCED:
                rows = reduced_rows(header, decode_reduced(body, self._catalogues)).get(table)
                pieces += [] if rows is None else [rows]
        return pa.concat_tables(pieces) if pieces else None

    def _done(self, table: str) -> int:
        """Return the position that a table's own last transaction covers."""
        found = self._open(table)
        return 0 if found is None else found.transaction_version(f"lineside:{table}") or 0

    def _open(self, table: str) -> DeltaTable | None:
        path = self._root / table
        return DeltaTable(str(path)) if (path / LOG).exists() else None

    def _commit(self, table: str, rows: pa.Table, position: int, after: int) -> None:
        path = self._root / table
        before = self._open(table)
        first = 0 if before is None else before.version() + 1
        write_deltalake(
            str(path) if before is None else before,
            rows,
            mode="append",
            schema_mode="merge",  # an item may have got a field that older rows do not have
            partition_by=list(PARTITIONS),
            commit_properties=CommitProperties(app_transactions=[Transaction(f"lineside:{table}", position)]),
            post_commithook_properties=PostCommitHookProperties(create_checkpoint=False),
        )
        written = self._open(table)
        if written is None or written.transaction_version(f"lineside:{table}") != position:
            raise IntegrityError("another process writes this history", where=str(path))
        sync_commit(path, first, written.version(), after)

    def _join_small_files(self) -> None:
        for table in TABLES:
            found = self._open(table)
            if found is None or len(found.file_uris()) < _COMPACT_EVERY:
                continue
            first = found.version() + 1
            found.optimize.compact(post_commithook_properties=PostCommitHookProperties(create_checkpoint=False))
            found.update_incremental()
            found.create_checkpoint()
            sync_commit(self._root / table, first, found.version(), after=self._position)
            found.vacuum(retention_hours=1, dry_run=False, enforce_retention_duration=False)
            forget_checksums(self._root / table, found.file_uris())
