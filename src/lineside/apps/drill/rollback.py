"""The rollback drill: a new model breaks at the line while the plant is away, and the gateway returns by itself.

A model that is sound on its golden parts is offered, accepted and put in service. Then the link to the plant is cut,
and parts come on which it gives no number. The gateway has to return to the fallback that its offer signed. Ten times a
second the model in use is verified on the gateway's disk, and in the end every part has to have its one judgement.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from lineside.adapters.audit_sqlite import read_chain
from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.history_query import HistoryQuery, quoted
from lineside.adapters.model_slots import USE_FALLBACK, USE_MODEL, ModelSlots
from lineside.adapters.plan_yaml import load_plan
from lineside.adapters.release_keys import trusted_keys
from lineside.apps.drill.broken_model import breaks_above
from lineside.apps.drill.line import STATION, free_port, prepare, settled, start_behind
from lineside.apps.drill.machine import count_delivered
from lineside.apps.layout import Layout
from lineside.apps.link import Link
from lineside.apps.releasing import put_in_service
from lineside.apps.up import ChildSpec, Supervisor, UpSettings
from lineside.domain.errors import IntegrityError, UnavailableError
from lineside.domain.plan.model import Plan
from lineside.domain.units import SECOND
from lineside.wire.bundle import MODEL_FILE, seal
from lineside.wire.offers import fallback_bundle, offered_bundle, verify_offer

CHARACTERISTIC: Final = "porosity"
MOST_SECONDS: Final = 5.0
"""Within which a gateway has to have returned."""
_JUDGED_ONCE: Final = """
SELECT count(*) AS parts, count(*) FILTER (n != 1) AS missed FROM (
  SELECT p.cycle_id, p.unit, count(r.unit) AS n FROM parts p
  LEFT JOIN predictions r ON r.cycle_id = p.cycle_id AND r.unit = p.unit GROUP BY ALL)
"""
_BROKE: Final = "SELECT min(judged) AS at FROM predictions WHERE model = {model} AND judged > {live}"
_HOT: Final = 225.0
_WAIT: Final = 90.0
_AFTER: Final = 3.0
"""Seconds of parts after the return."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RollbackResult:
    """What came of a drill.

    ``seconds_to_rollback`` runs from the judgement of the part on which the model broke to the durable rollback in the
    gateway's audit record; ``missed_parts`` have no judgement or more than one; ``unverified_active`` counts looks at
    which the model in use was not what was signed.
    """

    seconds_to_rollback: float
    missed_parts: int
    unverified_active: int
    parts: int
    looks: int

    @property
    def passed(self) -> bool:
        """Whether it returned in time, with every part judged and nothing unverified in use."""
        in_time = 0.0 <= self.seconds_to_rollback <= MOST_SECONDS
        return in_time and self.parts > 0 and self.looks > 0 and self.missed_parts == self.unverified_active == 0

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


async def rollback_drill(root: Path) -> RollbackResult:
    """Run the drill below a folder and return what came of it.

    Raises:
        UnavailableError: the processes do not come up, or the gateway never returns.
    """
    layout = Layout(root / "data")
    plan_file = await asyncio.to_thread(prepare, root, layout)
    return await _Drill(layout=layout, plan_file=plan_file, plan=load_plan(plan_file), inbox=root / "inbox").run()


@dataclass(kw_only=True)
class _Drill:
    layout: Layout
    plan_file: Path
    plan: Plan
    inbox: Path
    link: Link = field(default_factory=lambda: Link("127.0.0.1", 0))
    looks: int = 0
    unverified: int = 0

    @property
    def slots(self) -> ModelSlots:
        return ModelSlots(self.layout.models / f"{STATION}.{CHARACTERISTIC}")

    async def run(self) -> RollbackResult:
        await self.link.start()
        supervisor = Supervisor(
            UpSettings(
                plan=self.plan_file,
                data=self.layout.root,
                port=free_port(),
                gateway_nats=f"nats://127.0.0.1:{self.link.port}",
            )
        )
        try:
            await start_behind(self.link, supervisor)
            await self._until(lambda: self._running() == 1, "the first model is not taken")
            command = [sys.executable, "-m", "lineside", "drill", "machine", str(self.inbox)]
            machine = supervisor.add(ChildSpec(name="machine", command=command))
            await asyncio.to_thread(self._offer_broken)
            await self._until(lambda: self._running() == 2, "the new model is not taken")
            self.link.hang()
            await self._until(lambda: self.slots.pointer().use == USE_FALLBACK, "the gateway does not return")
            await self._until(_after(_AFTER), "")
            self.link.mend()
            await machine.stop()
            await settled(self.layout, lambda: count_delivered(self.inbox))
        finally:
            await supervisor.stop()
            await self.link.stop()
        return await asyncio.to_thread(self._result)

    def _offer_broken(self) -> None:
        """Offer the same model as a new version that breaks when the die is hot."""
        (newest, *_) = BundleFolder(self.layout.bundles).bundles(CHARACTERISTIC)
        manifest = msgspec.structs.replace(newest.manifest, version=newest.manifest.version + 1)
        files = {**newest.files, MODEL_FILE: breaks_above(newest.files[MODEL_FILE], _HOT)}
        put_in_service(self.layout, self.plan, seal(manifest, files))

    def _running(self) -> int:
        """Return the version of the offer whose model is in use, verified; 0 where none is."""
        pointer = self.slots.pointer()
        if not pointer.slot or pointer.use not in {USE_MODEL, USE_FALLBACK}:
            return 0
        self.looks += 1
        files = self.slots.read(pointer.slot)
        try:
            offer = verify_offer(files.offer, trusted_keys(self.layout.keys), time.time_ns())
            if pointer.use == USE_MODEL:
                offered_bundle(offer, files.model)
                return offer.version
            fallback_bundle(offer, files.fallback or b"")
        except IntegrityError:
            self.unverified += 1
        return 0

    async def _until(self, reached: Callable[[], bool], problem: str) -> None:
        """Look at the model in use ten times a second until something is so."""
        deadline = time.monotonic() + _WAIT
        while not await asyncio.to_thread(reached):
            await asyncio.to_thread(self._running)
            if time.monotonic() > deadline:
                raise UnavailableError(problem, next_step="look at processes.log (--keep DIR)")
            await asyncio.sleep(0.1)

    def _result(self) -> RollbackResult:
        entries = read_chain(self.layout.gateway_audit)
        live = max(entry.time for entry in entries if entry.action == "model.live")
        back = min((entry for entry in entries if entry.action == "model.rolled_back"), key=lambda entry: entry.time)
        fallback = str(json.loads(back.content)["now"])
        query = HistoryQuery(self.layout.history)
        broke = query.sql(_BROKE.format(model=quoted(fallback), live=live))
        counted = query.sql(_JUDGED_ONCE).to_pylist()[0]
        return RollbackResult(
            seconds_to_rollback=round((back.time - broke.column("at")[0].as_py()) / SECOND, 3),
            missed_parts=int(counted["missed"]),
            unverified_active=self.unverified,
            parts=int(counted["parts"]),
            looks=self.looks,
        )


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
