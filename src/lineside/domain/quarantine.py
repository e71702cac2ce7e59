"""What could not be accepted: kept with its reason and its raw bytes, never dropped in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RAW_LIMIT: Final = 4096
"""Bytes of the raw input that are kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quarantined:
    """One input that was refused: where from, why (a short stable code and a sentence), and its first raw bytes."""

    source: str
    reason: str
    detail: str
    raw: bytes
    received: int
    signal: str = ""
    count: int = 1
