"""The gateway's own load: measured once a second, held against the plan's ceilings, and what is left out for it."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import psutil

from lineside.domain.health.load import Detail, Shedder, Use
from lineside.domain.predictions import JudgementState
from lineside.flows.judge import Judged

LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Measures this process and the disk of a folder; ``shedder`` decides."""

    shedder: Shedder
    folder: Path
    process: psutil.Process = field(default_factory=psutil.Process)

    async def keep(self) -> None:
        """Look until cancelled."""
        while True:
            self.shedder.look(self.use(), time.monotonic_ns())
            await asyncio.sleep(LOOK_SECONDS)

    def use(self) -> Use:
        """Return what is used now; the processor since the last look."""
        disk = shutil.disk_usage(self.folder)
        return Use(
            cpu=self.process.cpu_percent() / (os.cpu_count() or 1),
            memory=self.process.memory_info().rss,
            disk=100.0 * (1.0 - disk.free / disk.total),
        )

    async def admit(self, source: str) -> None:
        """Return when a further source may begin; each that has to wait is counted once."""
        del source
        if not self.shedder.sheds(Detail.SOURCES):
            return
        while self.shedder.step:  # noqa: ASYNC110 - the load tells nobody
            await asyncio.sleep(LOOK_SECONDS)

    def trim(self, judged: Judged) -> Judged:
        """Return what is recorded of judged parts: without contributions of those that are normal, if they must go."""
        plain = [item.state is JudgementState.NORMAL and bool(item.contributions) for item in judged.predictions]
        if not any(plain) or not self.shedder.sheds(Detail.CONTRIBUTIONS):
            return judged
        kept = (
            replace(item, contributions=()) if goes else item
            for item, goes in zip(judged.predictions, plain, strict=True)
        )
        return replace(judged, predictions=tuple(kept))
