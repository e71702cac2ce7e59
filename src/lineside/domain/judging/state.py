"""All that a model remembers of earlier parts, as plain values for a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from lineside.domain.baselines import BaselineState
from lineside.domain.following import FollowState
from lineside.domain.judging.late_values import LateState
from lineside.domain.judging.memory import MemoryState


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelState:
    """What a model remembers; ``newest`` is the end (UTC ns) and the unit of the newest part in it."""

    memory: MemoryState
    baselines: BaselineState | None = None
    followed: FollowState | None = None
    late: LateState | None = None
    newest: tuple[int, str] = (-1, "")
