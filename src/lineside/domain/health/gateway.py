"""The health of all that is not a source: from plain facts to a state with a reason.

Each function takes what was measured and returns a `Finding`; the first rule that holds decides, the gravest first.
`HealthBook` adds since when a state has lasted. Sources stand in `lineside.domain.health.sources`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lineside.domain.health.states import Health, State, Subject
from lineside.domain.units import HOUR, MILLISECOND, MINUTE, SECOND

FILLING_FROM: Final = 0.5
"""Share of the buffer in use from which it counts as filling."""
CLOCK_STEP: Final = 250 * MILLISECOND
"""Difference between wall and monotonic time, from one look to the next, that is a step: NTP slews at 500 ppm."""
STEP_SHOWN: Final = HOUR
"""How long a step of the clock is shown."""
SLOW_WRITE: Final = 250 * MILLISECOND
"""A durable write that takes longer makes alerts late."""
BEHIND_RECORDS: Final = 500
"""Records that the plant does not have yet, from which the link counts as behind."""
LONGEST_HOURS: Final = 10_000.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A state and why."""

    state: State
    reason: str = ""


class HealthBook:
    """Remembers since when each subject has been in its state."""

    def __init__(self) -> None:
        self._since: dict[tuple[Subject, str], tuple[State, int]] = {}

    def note(self, subject: Subject, name: str, finding: Finding, now: int) -> Health:
        """Return the health that a finding at the time ``now`` (UTC ns) makes."""
        known = self._since.get((subject, name))
        since = now if known is None or known[0] is not finding.state else known[1]
        self._since[subject, name] = (finding.state, since)
        return Health(subject=subject, id=name, state=finding.state, since=since, reason=finding.reason)


def station_finding(
    *, expected: Collection[str], judged: bool, parts: int, last: int, missing: Collection[str], now: int
) -> Finding:
    """Return how a station does.

    ``expected`` are its characteristics, ``judged`` whether a model judges it, ``parts`` its parts since the start,
    ``last`` when the newest ended (UTC ns) and ``missing`` the signals which that one lacked.
    """
    if expected and not judged:
        return Finding(State.UNJUDGED, f"no model in service for {', '.join(sorted(expected))}")
    if not parts:
        return Finding(State.WAITING, "no part since the start")
    if missing:
        return Finding(State.DEGRADED, f"the last part lacked {', '.join(sorted(missing))}")
    return Finding(State.JUDGING if expected else State.READY, f"{parts} parts, the last {_span(now - last)} ago")


def buffer_finding(*, unrecorded: bool, used: int, limit: int, bytes_per_second: float, dropped: int) -> Finding:
    """Return how the buffer does: ``used`` bytes of at most ``limit``, and what was ever dropped from it.

    ``bytes_per_second`` is how quickly it fills while the plant is away.
    """
    if unrecorded:
        return Finding(State.UNRECORDED, "the disk cannot be written: sources are not acknowledged")
    share = used / limit if limit else 0.0
    reason = f"{share:.0%} of {_size(limit)} used"
    if bytes_per_second > 0:
        hours = max(0, limit - used) / bytes_per_second / 3600
        reason += f"; room for {min(hours, LONGEST_HOURS):.1f} h at this rate"
    if dropped:
        reason += f"; {dropped} readings let go, with receipts"
    if share >= 1.0:
        return Finding(State.FULL, reason)
    return Finding(State.FILLING if share >= FILLING_FROM else State.READY, reason)


def disk_finding(*, free: int, least: int, write: int) -> Finding:
    """Return how the disk does: ``free`` bytes, of which ``least`` must stay; a durable write takes ``write`` ns."""
    reason = f"{_size(free)} free; a durable write takes {write / MILLISECOND:.1f} ms"
    if free < least or free == 0:
        return Finding(State.FULL, f"{reason}; {_size(least)} must stay free")
    if write > SLOW_WRITE:
        return Finding(State.SLOW, reason)
    return Finding(State.LOW if free < 2 * least else State.READY, reason)


def link_finding(*, reachable: bool, tried: bool, backlog: int, confirmed: int, problem: str) -> Finding:
    """Return how the link to the plant does: ``backlog`` records wait, ``confirmed`` is its last watermark."""
    reason = f"{backlog} records wait; the plant holds all up to {confirmed}"
    if not reachable and not tried:
        return Finding(State.STARTING, reason)
    if not reachable:
        return Finding(State.LOST, f"{problem}; {reason}" if problem else reason)
    return Finding(State.BEHIND if backlog > BEHIND_RECORDS else State.CONNECTED, reason)


def record_finding(*, compared: int, rounds: int, differences: Sequence[str], problem: str) -> Finding:
    """Return whether both ends of the record hold the same: ``compared`` stretches did, ``differences`` in words."""
    if differences:
        more = f" and {len(differences) - 1} more" if len(differences) > 1 else ""
        return Finding(State.DIFFERENT, f"{differences[0]}{more}; see 'lineside gateway reconcile'")
    if not rounds:
        return Finding(State.WAITING, problem or "not compared with the plant's history yet")
    return Finding(State.AGREED, f"{compared} stretches compared with the plant's history")


def model_findings(in_service: Mapping[str, str], refused: Mapping[str, str]) -> dict[str, Finding]:
    """Return how each model does, by name: those in service with their versions, those refused with why."""
    found = {name: Finding(State.IN_SERVICE, version) for name, version in in_service.items()}
    return found | {name: Finding(State.REFUSED, why) for name, why in refused.items()}


class ClockWatch:
    """Watches the machine's wall clock against its monotonic one; both in nanoseconds."""

    def __init__(self) -> None:
        self._wall = 0
        self._monotonic: int | None = None
        self._step = 0
        self._stepped_at = 0

    def look(self, wall: int, monotonic: int) -> Finding:
        """Return how the clock does at this look; a step stays visible for `STEP_SHOWN` of monotonic time."""
        if self._monotonic is not None:
            step = (wall - self._wall) - (monotonic - self._monotonic)
            if abs(step) >= CLOCK_STEP:
                self._step, self._stepped_at = step, monotonic
        self._wall, self._monotonic = wall, monotonic
        if self._step and monotonic - self._stepped_at < STEP_SHOWN:
            ago = _span(monotonic - self._stepped_at)
            return Finding(State.STEPPED, f"it jumped by {self._step / SECOND:+.3f} s {ago} ago")
        return Finding(State.STEADY)


def _span(nanoseconds: int) -> str:
    """Return a span as people say it: seconds, minutes or hours."""
    if nanoseconds < MINUTE:
        return f"{max(0, nanoseconds) / SECOND:.0f} s"
    return f"{nanoseconds / MINUTE:.0f} min" if nanoseconds < 2 * HOUR else f"{nanoseconds / HOUR:.0f} h"


def _size(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
