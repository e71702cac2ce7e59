"""What is found of a prototype, in words for whoever made it: how grave it is, and what would help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Gravity(StrEnum):
    """What a finding means for production."""

    BLOCKS = "blocks"
    """It cannot run as it is, or its figures mean nothing."""
    INFLATES = "inflates"
    """It makes the laboratory figure better than production will be."""
    LOOK = "look"
    """Somebody who knows the line should look at it."""


ORDER = tuple(Gravity)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing found: a stable ``code``, what it is about, a sentence, what would help, and the figures behind it."""

    code: str
    gravity: Gravity
    subject: str
    text: str
    remedy: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


def by_gravity(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return findings, the gravest first, otherwise in the order found."""
    return tuple(sorted(findings, key=lambda item: ORDER.index(item.gravity)))
