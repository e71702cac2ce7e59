"""The receipt for what a bounded buffer had to drop or a failed disk kept from being recorded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What is missing from the record, and why: which signals, from when to when (UTC ns), how many readings.

    ``id`` is deterministic, so that a receipt written twice counts once. ``source`` names the buffer that dropped.
    """

    id: str
    source: str
    reason: str
    signals: tuple[str, ...]
    first: int
    last: int
    count: int
    recorded: int
