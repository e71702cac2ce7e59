"""The pictures and documents that a plan's steps name: files beside the plan, read once, checked, kept in memory.

Only what the plan names is read, only from below the plan's folder (a link that leads out of it is refused), only up
to a size, and only where the content is what the ending says. Pages serve them by name from memory, so that no
request can reach the file system. A file that is missing or wrong is a problem to be shown, not a reason to stop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineside.domain.errors import InputError
from lineside.domain.plan.model import Plan

MOST_PICTURE: Final = 2_000_000
MOST_DOCUMENT: Final = 10_000_000
MOST_ALL: Final = 100_000_000
_TYPES: Final = {
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n", MOST_PICTURE),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff", MOST_PICTURE),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff", MOST_PICTURE),
    ".webp": ("image/webp", b"RIFF", MOST_PICTURE),
    ".pdf": ("application/pdf", b"%PDF-", MOST_DOCUMENT),
}
"""Media type, first bytes and largest size, by ending."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanFile:
    """The content of a file beside the plan, and its media type."""

    content: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanFiles:
    """The files by the names that the plan gives them, and what is wrong with the others, by name."""

    files: dict[str, PlanFile] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def load_plan_files(plan_file: Path, plan: Plan) -> PlanFiles:
    """Return the pictures and documents of the plan's steps; ``plan_file`` is the plan's own file."""
    found, room = PlanFiles(), MOST_ALL
    for name in _names(plan):
        try:
            file = _read(plan_file.resolve().parent, name, room)
        except InputError as error:
            found.problems[name] = error.problem
        else:
            found.files[name] = file
            room -= len(file.content)
    return found


def _names(plan: Plan) -> dict[str, None]:
    steps = [step for reaction in plan.reactions for step in reaction.steps]
    return dict.fromkeys(name for step in steps for name in (step.picture, step.document) if name)


def _read(folder: Path, name: str, room: int) -> PlanFile:
    media_type, first, most = _TYPES[Path(name).suffix]
    most = min(most, room)
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise InputError("leads out of the plan's folder", value=name)
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", value=name) from error
    if len(content) > most:
        raise InputError(f"is larger than {most:,} bytes", value=name)
    if not content.startswith(first) or (media_type == "image/webp" and content[8:12] != b"WEBP"):
        raise InputError(f"is no {media_type}", value=name)
    return PlanFile(content=content, media_type=media_type)
