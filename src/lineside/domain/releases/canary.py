"""Which parts a canary judges: a share of them, or those of some stations, the same ones wherever it is asked.

A part belongs to the canary by a hash of the place and the part's id, never by a random draw: gateways, replays and
the plant agree, and a part that is judged again is judged by the same model. The share is nested: a part of a canary
of 5 % is in one of 20 % too, so that a canary grows without exchanging its parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from lineside.domain.errors import InputError
from lineside.domain.said import say, share

GREATEST_SHARE: Final = 0.5
"""A canary judges at most half of the parts; more is a champion."""
_WHOLE: Final = 1 << 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Canary:
    """A share of the parts (0: all), at some stations (empty: at all)."""

    share: float = 0.0
    stations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a canary without a limit, or of more than half of the parts."""
        if not 0.0 <= self.share <= GREATEST_SHARE:
            raise InputError(
                say("not a share that a canary may judge: above 0, up to {most}", most=share(GREATEST_SHARE)),
                field="share",
                value=self.share,
                choices=(f"above 0, up to {GREATEST_SHARE:g}",),
            )
        if not self.share and not self.stations:
            raise InputError(
                say("a canary needs a limit"), field="share", next_step=say("give a share of parts, or stations")
            )

    def takes(self, place: str, part: str) -> bool:
        """Return whether it judges a part, by the part's id (unit or cycle), at a place."""
        if self.stations and place.partition("/")[0] not in self.stations:
            return False
        return not self.share or position(place, part) < self.share

    def words(self) -> Mapping[str, str]:
        """Return it as the detail of an event."""
        return {"share": f"{self.share:g}", "stations": " ".join(self.stations)}

    @classmethod
    def read(cls, detail: Mapping[str, str]) -> Self:
        """Return the canary of an event's detail."""
        return cls(share=float(detail.get("share", "0")), stations=tuple(detail.get("stations", "").split()))


def position(place: str, part: str) -> float:
    """Return where a part lies among all of a place, in [0, 1): the first 8 bytes of a SHA-256."""
    digest = hashlib.sha256(f"{place}\n{part}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / _WHOLE
