"""The plant's two long stores, opened together: each mends what the other still holds.

A damaged history is cut back to where it is whole, and written again from the landing table, which keeps its newest
records for that. A damaged landing table is set aside, and begun anew where the history is: the gateways, which keep
what they have sent, send again what was in it alone. Damage that neither can mend is refused, and nothing is changed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.landing_sqlite import SqliteLanding, damage_of
from lineside.domain.errors import IntegrityError


@dataclass(frozen=True, kw_only=True, slots=True)
class Stores:
    """Landing table and history; ``mended`` says in words what had to be mended."""

    landing: SqliteLanding
    history: DeltaHistory
    mended: tuple[str, ...] = field(default=())


async def open_stores(landing_path: Path, root: Path, recipes: Mapping[str, Sequence[str]] | None = None) -> Stores:
    """Open landing table and history, mending one from the other.

    Raises:
        IntegrityError: something is damaged that cannot be made again.
        StorageError: a store cannot be opened.
    """
    held = await asyncio.to_thread(_held, root)
    if damage := await asyncio.to_thread(_landing_damage, landing_path, held):
        history = await DeltaHistory.open(root, recipes, exact=True)
        marks = await asyncio.to_thread(HistoryQuery(root).marks)
        landing = await SqliteLanding.rebuilt(landing_path, await history.position(), marks)
        return Stores(landing=landing, history=history, mended=(f"landing table made anew: {damage}",))
    landing = await SqliteLanding.open(landing_path)
    counts = await landing.counts()
    try:
        history = await DeltaHistory.open(root, recipes, spare_from=counts.forgotten)
        _check_together(counts.position, await history.position())
    except BaseException:
        await landing.close()
        raise
    mended = tuple(f"{table}: {cut} commits are written again" for table, cut in history.repaired.items())
    return Stores(landing=landing, history=history, mended=mended)


def _landing_damage(path: Path, held: int) -> str:
    return "the file is gone" if held and not path.exists() else damage_of(path, held)


def _held(root: Path) -> int:
    try:
        return int(json.loads((root / "position.json").read_text())["position"])
    except (FileNotFoundError, ValueError, KeyError):
        return 0


def _check_together(landed: int, held: int) -> None:
    """Refuse a landing table that is behind its history: what lands in it next would count as known already."""
    if landed < held:
        raise IntegrityError(
            "the landing table is behind the history: it was restored from a copy",
            field="position",
            value=landed,
            next_step=f"restore landing and history from the same backup (the history is at {held}), "
            "or move landing.db away: it is made anew",
        )
