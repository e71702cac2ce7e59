"""Outcomes and line events that people or other systems hand in as a whole: landed at once, and only once.

What is handed in is named by its content (``epoch``), and all of it lands in one transaction. So a crash leaves all
or nothing, and handing in the same again changes nothing, whether the plant is running or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from lineside.ports import Landing
from lineside.wire.codecs import encode_items
from lineside.wire.records import Record, RecordHeader, RecordKind, pack, unpack

WRITER: Final = "import"
_ITEMS: Final = 1_000
"""Items in one record at most."""

Items = Sequence[tuple[RecordKind, Sequence[Any]]]


async def hand_in(landing: Landing, items: Items, *, epoch: str, site: str, line: str, now: int) -> int:
    """Land items under the name of their content; return how many records are there afterwards.

    Raises:
        StorageError: nothing of it is durable.
    """
    records = list(_records(items, epoch=epoch, site=site, line=line, now=now))
    if not records:
        return 0
    marks = await landing.land(records)
    return marks[WRITER, epoch].sequence


def _records(items: Items, *, epoch: str, site: str, line: str, now: int) -> Iterable[Record]:
    sequence = 0
    for kind, all_of_kind in items:
        for start in range(0, len(all_of_kind), _ITEMS):
            piece = all_of_kind[start : start + _ITEMS]
            sequence += 1
            header = RecordHeader(WRITER, epoch, sequence, site, line, kind, len(piece), now)
            yield unpack(pack(header, encode_items(piece)))
