"""Filling a gap from the server's own history, and what is said of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lineside.adapters.opcua.refusals import RefusedError
from lineside.domain.intake.reasons import shown
from lineside.domain.intake.times import AHEAD
from lineside.domain.units import format_duration

if TYPE_CHECKING:
    from lineside.adapters.opcua.connection import Connection
    from lineside.adapters.opcua.values import Change


@dataclass(kw_only=True, slots=True)
class Filled:
    """What came of filling a gap: what was asked for, how far it went, and how many readings were new.

    ``lived`` says that the subscription lived on at the server, and that what it queued came.
    """

    backfill: int
    lived: bool = False
    asked: bool = False
    whole: bool = True
    kept: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    refused: str = ""
    count: int = 0

    @property
    def words(self) -> str:
        """What is known of the gap, in sentences."""
        queued = "The subscription lived on, and what the server queued has come. " if self.lived else ""
        return queued + self._history

    @property
    def _history(self) -> str:
        if not self.asked:
            return "The plan asks for no history of that time."
        if not self.kept:
            return "The server keeps no history" + ("." if self.lived else ": what happened meanwhile is not known.")
        said = f"The server's history gave {self.count} readings."
        if self.refused:
            said += f" Then it failed ({shown(self.refused, 100)}): there may be more."
        if self.without:
            others = " and others" if len(self.without) > 5 else ""
            said += f" It keeps none of {', '.join(self.without[:5])}{others}."
        return said if self.whole else f"{said} Only the last {format_duration(self.backfill)} were asked for."


async def fill_gap(
    connection: Connection, nodes: Mapping[str, str], filled: Filled, *, since: int, now: int
) -> AsyncIterator[Sequence[Change]]:
    """Yield what the server kept since a time (UTC ns), page by page, and note in ``filled`` what came of it.

    Raises:
        ConnectionError: the server does not answer.
    """
    start = max(since, now - filled.backfill)
    if start >= now:
        return
    filled.asked, filled.whole = True, start == since
    filled.kept = await connection.with_history(nodes)
    filled.without = tuple(key for key in nodes if key not in filled.kept)
    if not filled.kept:
        return
    try:
        async for changes in connection.history({key: nodes[key] for key in filled.kept}, start, now + AHEAD):
            yield changes
    except RefusedError as error:  # a broken history must not stop what is live
        filled.refused = str(error)
