"""A canary at a seat: a second model that judges some of the parts, and gives way at the first trouble.

It is shown every part, so that what it remembers is whole, and its answer counts for the parts that are its own. Where
it raises, answers with no number, or is over its time, it ends, and the model in service judges that same part: a
canary never costs a part its judgement. No I/O; the clock is passed in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from lineside.domain.model_service import Trouble
from lineside.domain.parts import PartRecord
from lineside.domain.predictions import Prediction
from lineside.domain.releases.canary import Canary
from lineside.ports import Judge

MOST_SLOW: Final = 3
"""Parts over their time, of all that it has seen, at which a canary ends."""


@dataclass(kw_only=True, slots=True, eq=False)
class Trial:
    """A canary's model at a place, until something ends it.

    ``budget`` is the longest time for judging a part (ns), ``mark`` notes that the model is at work.
    """

    judge_with: Judge
    name: str
    version: int
    canary: Canary
    place: str
    budget: int
    enter: Callable[[], None] = lambda: None
    leave: Callable[[], None] = lambda: None
    timer: Callable[[], int] = time.perf_counter_ns
    ended: str = ""
    trouble: Trouble | None = None
    parts: int = 0
    taken: int = 0
    _slow: int = field(default=0)

    def judge(self, part: PartRecord, now: int) -> tuple[Prediction, ...] | None:
        """Return the predictions of a part that is the canary's own; None where it is not, or the canary has ended."""
        if self.ended:
            return None
        began = self.timer()
        self.enter()
        try:
            found = tuple(self.judge_with.judge(part, now).predictions)
        except Exception as error:  # noqa: BLE001 - whatever a canary does, the model in service judges the part
            self.end(Trouble.FAILED, f"{type(error).__name__}: {error}"[:300])
            return None
        finally:
            self.leave()
        self.parts += 1
        slow = self._is_slow(self.timer() - began)
        if slow or not self.canary.takes(self.place, part.unit or part.cycle_id):
            return None
        self.taken += 1
        return found

    def end(self, trouble: Trouble, why: str) -> None:
        """End it; the parts that come are the champion's."""
        self.trouble, self.ended = trouble, why

    def _is_slow(self, took: int) -> bool:
        self._slow += took > self.budget
        slow = self._slow >= MOST_SLOW and self._slow > self.parts // 100
        if slow:
            self.end(Trouble.SLOW, f"{self._slow} parts took longer than {self.budget / 1e6:g} ms")
        return slow
