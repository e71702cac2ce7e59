"""What is missing from the record, and why: receipts of full buffers and failed disks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lineside.domain.receipts import Receipt

MOST_RECEIPTS: Final = 500


class MissingMemory:
    """Remembers the newest receipts, each once; ``readings`` counts what they speak of."""

    def __init__(self) -> None:
        self._receipts: dict[str, Receipt] = {}

    def add(self, receipts: Iterable[Receipt]) -> bool:
        """Take receipts in; say whether any of them was new."""
        before = dict(self._receipts)
        self._receipts |= {item.id: item for item in receipts}
        newest = sorted(self._receipts.values(), key=lambda item: (item.recorded, item.id))[-MOST_RECEIPTS:]
        self._receipts = {item.id: item for item in newest}
        return before != self._receipts

    @property
    def readings(self) -> int:
        """How many readings the remembered receipts speak of."""
        return sum(item.count for item in self._receipts.values())

    def newest(self) -> tuple[Receipt, ...]:
        """Return the receipts, newest first."""
        return tuple(reversed(self._receipts.values()))
