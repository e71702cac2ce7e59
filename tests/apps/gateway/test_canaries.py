"""How a gateway takes a canary: signed, tried, in memory alone, and ended when the plant offers it no more."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pytest

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.onnx_judge.accepting import Acceptance
from lineside.adapters.release_keys import release_signer
from lineside.apps.gateway.canaries import CanaryShelf
from lineside.apps.gateway.models import ModelShelf
from lineside.apps.plant.releases import ReleaseDesk
from lineside.domain.errors import UnavailableError
from lineside.domain.model_service import Trouble
from lineside.domain.plan.model import Plan
from lineside.domain.releases.canary import Canary
from lineside.domain.units import DAY
from lineside.flows.releases import serve_releases
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.fakes.bus import FakeBus
from lineside.testing.modelling import CHARACTERISTIC, STATION, part_record
from lineside.testing.networks import learned_bundle, network_plan
from lineside.wire.bundle import Bundle, seal
from lineside.wire.canaries import CanaryOffer, sign_canary
from lineside.wire.offers import make_offer
from lineside.wire.signed import Signer
from lineside.wire.subjects import Subjects

PLAN = network_plan()
FIRST = learned_bundle(PLAN)
SECOND = seal(msgspec.structs.replace(FIRST.manifest, version=2), FIRST.files)
SUBJECTS = Subjects("site", "line")
HALF = Canary(share=0.5)
PLACE = f"{STATION}/{CHARACTERISTIC}"


async def trusting(_: Plan, bundle: Bundle) -> Acceptance:
    del bundle
    return Acceptance()


async def refusing(_: Plan, bundle: Bundle) -> Acceptance:
    del bundle
    return Acceptance(problems=("it decides otherwise here",))


@dataclass(slots=True)
class Line:
    """A plant that has a champion, and a gateway that runs it."""

    root: Path
    bus: FakeBus = field(default_factory=FakeBus)
    clock: ManualClock = field(default_factory=ManualClock)
    audited: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    served: tuple[bytes, ...] = ()

    @property
    def registry(self) -> BundleFolder:
        return BundleFolder(self.root / "bundles", release_signer(self.root / "keys"))

    @property
    def actions(self) -> list[str]:
        return [action for action, _ in self.audited]

    async def audit(self, action: str, content: Mapping[str, object]) -> None:
        self.audited.append((action, content))

    async def gateway(self, accepting: object = trusting) -> tuple[ModelShelf, CanaryShelf]:
        shelf = ModelShelf(self.root / "models", self.root / "keys", PLAN, self.audit, self.clock, trusting)
        await shelf.open()
        await shelf.refresh(self.bus, SUBJECTS)
        canaries = CanaryShelf(
            self.root / "models", self.root / "keys", PLAN, shelf.judge_for, self.audit, self.clock,
            accepting,  # type: ignore[arg-type]
        )  # fmt: skip
        return shelf, canaries


@pytest.fixture
async def line(tmp_path: Path) -> Line:
    made = Line(tmp_path)
    for bundle in (FIRST, SECOND):
        made.registry.add(bundle)
    made.registry.offer(FIRST)
    desk = ReleaseDesk(made.registry, PLAN)
    await serve_releases(made.bus, SUBJECTS, desk.offers, desk.body, lambda: made.served or desk.canaries())
    return made


def models(shelf: ModelShelf) -> list[str]:
    parts = [part_record(PLAN, np.zeros(8), number) for number in range(100)]
    return [shelf.judge_for(STATION).judge(part, part.ended).predictions[0].model for part in parts]


async def test_a_canary_judges_its_parts_until_the_plant_offers_it_no_more(line: Line) -> None:
    shelf, canaries = await line.gateway()
    line.registry.offer_canary(SECOND, HALF, note="half of the parts")
    await canaries.refresh(line.bus, SUBJECTS)
    assert 25 < models(shelf).count(SECOND.name) < 75
    assert SECOND.name in canaries.on_trial
    assert line.registry.on_trial(SECOND.manifest.characteristic)
    assert not line.registry.on_trial("weight")
    with pytest.MonkeyPatch.context() as later:
        later.setattr("lineside.adapters.bundle_folder.time.time_ns", lambda: round(time.time()) * 10**9 + 15 * DAY)
        assert not line.registry.on_trial(SECOND.manifest.characteristic)
    await canaries.refresh(line.bus, SUBJECTS)
    line.registry.end_canary(PLACE)
    assert not line.registry.on_trial(SECOND.manifest.characteristic)
    await canaries.refresh(line.bus, SUBJECTS)
    assert set(models(shelf)) == {FIRST.name}
    assert line.actions == ["model.live", "canary.live", "canary.ended"]
    assert line.audited[-1][1]["parts"] == 100


async def test_without_the_plant_a_canary_goes_on_and_after_a_restart_the_champion_judges_alone(line: Line) -> None:
    shelf, canaries = await line.gateway()
    line.registry.offer_canary(SECOND, HALF)
    await canaries.refresh(line.bus, SUBJECTS)
    with pytest.raises(UnavailableError):
        await canaries.refresh(FakeBus(), SUBJECTS)
    assert SECOND.name in models(shelf)
    again = ModelShelf(line.root / "models", line.root / "keys", PLAN, line.audit, line.clock, trusting)
    await again.open()
    assert set(models(again)) == {FIRST.name}


async def test_what_is_not_accepted_or_not_signed_by_a_trusted_key_judges_nothing(line: Line) -> None:
    shelf, canaries = await line.gateway(refusing)
    line.registry.offer_canary(SECOND, HALF)
    await canaries.refresh(line.bus, SUBJECTS)
    offer = make_offer(SECOND, version=9, now=A_MOMENT)
    line.served = (sign_canary(CanaryOffer(offer=offer, share=0.5), Signer(bytes(32))), b"garbage")
    await canaries.refresh(line.bus, SUBJECTS)
    await canaries.refresh(line.bus, SUBJECTS)
    assert set(models(shelf)) == {FIRST.name}
    assert line.actions == ["model.live", *["canary.refused"] * 3]


async def test_a_canary_that_gave_way_is_audited_and_not_taken_again(line: Line) -> None:
    shelf, canaries = await line.gateway()
    line.registry.offer_canary(SECOND, HALF)
    await canaries.refresh(line.bus, SUBJECTS)
    (seat,) = shelf.judge_for(STATION).seats
    assert seat.trial is not None
    seat.trial.end(Trouble.FAILED, "no number")
    await canaries.settle()
    await canaries.refresh(line.bus, SUBJECTS)
    assert set(models(shelf)) == {FIRST.name}
    assert line.actions == ["model.live", "canary.live", "canary.ended", "canary.refused"]
