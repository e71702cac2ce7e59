"""How a gateway takes models: signed, tried, switched in two phases, and rolled back by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pytest

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.model_slots import MODEL, POINTER, ModelSlots
from lineside.adapters.onnx_judge.accepting import Acceptance, accept
from lineside.adapters.release_keys import release_signer
from lineside.apps.gateway.model_place import REQUEST
from lineside.apps.gateway.models import ModelShelf
from lineside.apps.plant.releases import ReleaseDesk
from lineside.domain.errors import StorageError, UnavailableError
from lineside.domain.model_service import SeatState, Trouble
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan
from lineside.domain.predictions import JudgementState, Prediction
from lineside.flows.releases import serve_releases
from lineside.flows.seats import Seat
from lineside.ports import Judgement
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.fakes.bus import FakeBus
from lineside.testing.modelling import CHARACTERISTIC, STATION, part_record
from lineside.testing.networks import hostile_graph, learned_bundle, network_plan, with_graph
from lineside.wire.bundle import Bundle, seal
from lineside.wire.offers import make_offer, sign_offer
from lineside.wire.signed import Signer
from lineside.wire.subjects import Subjects

PLAN = network_plan()
FIRST = learned_bundle(PLAN)
NOW = A_MOMENT
SUBJECTS = Subjects("site", "line")


def version(number: int, limit: float | None = None) -> Bundle:
    manifest = msgspec.structs.replace(
        FIRST.manifest, version=number, limit=FIRST.manifest.limit if limit is None else limit
    )
    return seal(manifest, FIRST.files)


async def trusting(_: Plan, bundle: Bundle) -> Acceptance:
    """Accept everything, for tests that are about something else."""
    del bundle
    return Acceptance()


@dataclass(slots=True)
class Line:
    """A plant's registry and a gateway's folder, joined by a bus that can be cut."""

    root: Path
    bus: FakeBus = field(default_factory=FakeBus)
    clock: ManualClock = field(default_factory=ManualClock)
    audited: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    served: list[bytes] = field(default_factory=list)

    @property
    def registry(self) -> BundleFolder:
        return BundleFolder(self.root / "bundles", release_signer(self.root / "keys"))

    @property
    def seat_folder(self) -> Path:
        return self.root / "models" / f"{STATION}.{CHARACTERISTIC}"

    def release(self, bundle: Bundle) -> int:
        self.registry.add(bundle)
        return self.registry.offer(bundle).version

    async def serve(self) -> None:
        desk = ReleaseDesk(self.registry, PLAN)
        await serve_releases(self.bus, SUBJECTS, lambda: self.served or desk.offers(), desk.body)

    async def gateway(self, accepting: object = trusting) -> ModelShelf:
        """Start a gateway's shelf on what is on its disk."""

        async def audit(action: str, content: Mapping[str, object]) -> None:
            self.audited.append((action, content))

        shelf = ModelShelf(
            self.root / "models",
            self.root / "keys",
            PLAN,
            audit,
            self.clock,
            accepting,  # type: ignore[arg-type]
        )
        await shelf.open()
        return shelf

    @property
    def actions(self) -> list[str]:
        return [action for action, _ in self.audited]


@pytest.fixture
async def line(tmp_path: Path) -> Line:
    made = Line(tmp_path)
    release_signer(tmp_path / "keys")
    await made.serve()
    return made


def seat_of(shelf: ModelShelf) -> Seat:
    (seat,) = shelf.judge_for(STATION).seats
    return seat


def judge(shelf: ModelShelf, number: int = 0, value: float = 0.0) -> tuple[Prediction, ...]:
    features = np.zeros(8)
    features[0] = value
    return shelf.judge_for(STATION).judge(part_record(PLAN, features, number), number).predictions


async def test_a_signed_model_goes_live_and_is_there_after_a_restart_without_the_plant(line: Line) -> None:
    line.release(version(1))
    shelf = await line.gateway(accept)
    assert judge(shelf) == ()
    await shelf.refresh(line.bus, SUBJECTS)
    assert judge(shelf)[0].model == version(1).name
    assert line.actions == ["model.live"]
    golden = line.audited[0][1]["golden"]
    assert isinstance(golden, dict)
    assert set(golden) >= {"good", "crack", "pore"}
    again = await line.gateway(accept)
    assert judge(again)[0].model == version(1).name
    assert again.refused == {}
    before = line.bus.requests
    await again.refresh(line.bus, SUBJECTS)
    assert line.bus.requests == before + 1


async def test_a_newer_offer_replaces_between_two_parts_and_the_old_model_stands_by(line: Line) -> None:
    line.release(version(1))
    shelf = await line.gateway()
    await shelf.refresh(line.bus, SUBJECTS)
    line.release(version(2))
    models = [judge(shelf, 0)[0].model]
    await shelf.refresh(line.bus, SUBJECTS)
    models.append(judge(shelf, 1)[0].model)
    assert models == [version(1).name, version(2).name]
    seat = seat_of(shelf)
    assert seat.fallback is not None
    assert seat.fallback.name == version(1).name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lines": ("other",)}, "another line"),
        ({"site": "other"}, "another line"),
        ({"plan_digest": "other"}, "another plan"),
        ({"recipe": "other"}, "another recipe"),
        ({"expires": NOW}, "expired"),
        ({"golden": "0" * 64}, "golden"),
        ({"files": ()}, "does not have"),
        ({"digest": "f" * 64}, "does not have"),
    ],
)
async def test_an_offer_that_must_not_be_taken_is_refused_and_audited(
    line: Line, change: dict[str, object], words: str
) -> None:
    line.release(version(1))
    offer = msgspec.structs.replace(make_offer(version(1), version=1, now=NOW), **change)
    line.served = [sign_offer(offer, release_signer(line.root / "keys"))]
    shelf = await line.gateway()
    for _ in range(2):
        await shelf.refresh(line.bus, SUBJECTS)
    assert judge(shelf) == ()
    assert words in shelf.refused[f"{STATION}/{CHARACTERISTIC}"]
    assert line.actions == ["model.refused"]


async def test_an_unsigned_or_strangely_signed_offer_is_refused(line: Line) -> None:
    line.release(version(1))
    offer = make_offer(version(1), version=1, now=NOW)
    for envelope in (sign_offer(offer, Signer(bytes(32))), b"", msgspec.json.encode(offer)):
        line.served = [envelope]
        shelf = await line.gateway()
        await shelf.refresh(line.bus, SUBJECTS)
        assert judge(shelf) == ()
        assert "offers" in shelf.refused


async def test_an_older_offer_is_refused_although_it_was_signed_once(line: Line) -> None:
    line.release(version(1))
    old = ReleaseDesk(line.registry, PLAN).offers()
    shelf = await line.gateway()
    line.release(version(2))
    await shelf.refresh(line.bus, SUBJECTS)
    line.served = list(old)
    for gateway in (shelf, await line.gateway()):
        await gateway.refresh(line.bus, SUBJECTS)
        assert "older" in gateway.refused[f"{STATION}/{CHARACTERISTIC}"]
        assert judge(gateway)[0].model == version(2).name


async def test_a_return_to_an_old_model_is_a_new_offer(line: Line) -> None:
    line.release(version(1))
    line.release(version(2))
    shelf = await line.gateway()
    await shelf.refresh(line.bus, SUBJECTS)
    assert line.registry.offer(version(1), note="too many false alarms").version == 3
    await shelf.refresh(line.bus, SUBJECTS)
    assert judge(shelf)[0].model == version(1).name
    assert line.audited[-1][1]["note"] == "too many false alarms"


async def test_an_expired_offer_keeps_running(line: Line) -> None:
    line.release(version(1))
    shelf = await line.gateway()
    await shelf.refresh(line.bus, SUBJECTS)
    line.clock.move(10**18)
    again = await line.gateway()
    await again.refresh(line.bus, SUBJECTS)
    assert judge(again)[0].model == version(1).name
    assert again.refused == {}


async def test_a_model_that_fails_its_acceptance_leaves_the_old_one_and_says_why(line: Line) -> None:
    line.release(version(1))
    shelf = await line.gateway()
    await shelf.refresh(line.bus, SUBJECTS)
    tried = []

    async def losing(_: Plan, bundle: Bundle) -> Acceptance:
        tried.append(bundle.name)
        return Acceptance(problems=("pore: 0 of 8 golden parts are decided as in training (the plan asks for 100%)",))

    line.release(version(2))
    refusing = await line.gateway(losing)
    for _ in range(3):
        await refusing.refresh(line.bus, SUBJECTS)
    assert tried == [version(2).name]  # tried once, not at every look
    assert judge(refusing)[0].model == version(1).name
    assert "pore: 0 of 8" in refusing.refused[f"{STATION}/{CHARACTERISTIC}"]
    assert line.actions == ["model.live", "model.refused"]
    assert "pore: 0 of 8" in str(line.audited[-1][1]["why"])


async def test_damage_on_the_way_leaves_the_old_model(line: Line) -> None:
    """Fault 19: whatever byte is damaged, what judged goes on."""
    line.release(version(1))
    shelf = await line.gateway()
    await shelf.refresh(line.bus, SUBJECTS)
    line.release(version(2))
    desk = ReleaseDesk(line.registry, PLAN)

    def damaged(digest: str) -> bytes:
        body = bytearray(desk.body(digest))
        body[len(body) // 2] ^= 1
        return bytes(body)

    bad = FakeBus()
    await serve_releases(bad, SUBJECTS, desk.offers, damaged)
    await shelf.refresh(bad, SUBJECTS)
    assert judge(shelf)[0].model == version(1).name
    assert shelf.refused
    await shelf.refresh(line.bus, SUBJECTS)
    assert judge(shelf)[0].model == version(2).name
    assert shelf.refused == {}


async def upgraded(line: Line) -> ModelShelf:
    """Return a shelf on which version 2 judges and version 1 stands by."""
    line.release(version(1))
    line.release(version(2))
    shelf = await line.gateway()
    await shelf.refresh(line.bus, SUBJECTS)
    return shelf


async def test_a_damaged_model_on_the_disk_gives_way_to_its_fallback_and_is_fetched_again(line: Line) -> None:
    await upgraded(line)
    path = line.seat_folder / ModelSlots(line.seat_folder).pointer().slot / MODEL
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    shelf = await line.gateway()
    assert judge(shelf)[0].model == version(1).name
    assert seat_of(shelf).state is SeatState.FALLBACK
    await shelf.refresh(line.bus, SUBJECTS)
    assert judge(shelf)[0].model == version(2).name


async def test_a_damaged_pointer_finds_the_newest_signed_model(line: Line) -> None:
    await upgraded(line)
    (line.seat_folder / POINTER).write_bytes(b"\0" * 40)
    assert judge(await line.gateway())[0].model == version(2).name


async def test_a_model_that_answers_with_no_number_is_rolled_back_without_the_plant(line: Line) -> None:
    """Fault 31: accepted, and broken on a part that nobody foresaw: the fallback judges that very part."""
    line.release(version(1))
    broken = with_graph(PLAN, version(2), hostile_graph("nan_above_50"))
    line.release(broken)
    shelf = await line.gateway(accept)
    await shelf.refresh(line.bus, SUBJECTS)
    assert [judge(shelf, number, value)[0].model for number, value in enumerate((0.0, 60.0, 0.0))] == [
        broken.name, version(1).name, version(1).name,
    ]  # fmt: skip
    await shelf.settle()
    assert line.audited[-1][1]["why"] == "not_a_number"
    assert judge(await line.gateway())[0].model == version(1).name


async def test_a_rollback_is_durable_audited_and_the_failed_offer_is_not_taken_again(line: Line) -> None:
    shelf = await upgraded(line)
    failing = seat_of(shelf).model
    assert failing is not None

    def fails(part: PartRecord, now: int) -> Judgement:
        raise RuntimeError(f"a node failed on {part.unit} at {now}")

    object.__setattr__(failing.judge, "judge", fails)
    (prediction,) = judge(shelf)
    assert prediction.model == version(1).name
    await shelf.settle()
    assert line.actions[-1] == "model.rolled_back"
    assert (line.audited[-1][1]["why"], line.audited[-1][1]["now"]) == ("failed", version(1).name)
    again = await line.gateway()
    for gateway in (shelf, again):
        await gateway.refresh(line.bus, SUBJECTS)
        assert judge(gateway)[0].model == version(1).name
        assert "a node failed" in gateway.refused[f"{STATION}/{CHARACTERISTIC}"]
    line.release(version(3))
    await again.refresh(line.bus, SUBJECTS)
    assert judge(again)[0].model == version(3).name


async def test_a_fault_that_is_noted_after_a_newer_model_took_the_seat_does_not_take_that_one_out(line: Line) -> None:
    shelf = await upgraded(line)
    seat_of(shelf).roll_back(Trouble.FAILED, "a node failed")
    line.release(version(3))
    await shelf.refresh(line.bus, SUBJECTS)
    await shelf.settle()
    for gateway in (shelf, await line.gateway()):
        assert judge(gateway)[0].model == version(3).name
    assert line.actions[-2:] == ["model.live", "model.rolled_back"]


async def test_a_rollback_asked_for_at_the_machine_is_done_and_audited(line: Line) -> None:
    shelf = await upgraded(line)
    (line.seat_folder / REQUEST).write_text(json.dumps({"by": "anna"}))
    await shelf.settle()
    assert judge(shelf)[0].model == version(1).name
    assert not (line.seat_folder / REQUEST).exists()
    assert line.audited[-1][1]["detail"] == "asked for by anna"
    # Asked for again there is nothing left to return to, and the seat is empty.
    (line.seat_folder / REQUEST).write_text("{}")
    await shelf.settle()
    assert judge(shelf) == ()


async def test_a_model_under_which_the_process_crashes_twice_is_rolled_back_at_the_next_start(line: Line) -> None:
    await upgraded(line)
    for _ in range(2):
        crashes = line.seat_folder / "crashes"
        crashes.write_bytes(b"\1" + crashes.read_bytes()[1:])  # as a process leaves it that dies at work
        line.clock.move(60 * 10**9)
        shelf = await line.gateway()
    assert judge(shelf)[0].model == version(1).name
    assert line.audited[-1][1]["why"] == "crashed"
    shelf = await line.gateway()
    assert judge(shelf)[0].model == version(1).name
    assert seat_of(shelf).state is SeatState.FALLBACK


async def test_without_the_list_of_trusted_keys_nothing_is_taken_and_that_is_said(line: Line) -> None:
    line.release(version(1))
    (line.root / "keys" / "trusted.json").unlink()
    shelf = await line.gateway()
    await shelf.refresh(line.bus, SUBJECTS)
    assert judge(shelf) == ()
    assert "trusted keys" in shelf.refused["offers"]


async def test_without_the_plant_what_runs_goes_on(line: Line) -> None:
    shelf = await upgraded(line)
    with pytest.raises(UnavailableError):
        await shelf.refresh(FakeBus(), SUBJECTS)
    assert judge(shelf)[0].model == version(2).name


async def test_a_fallback_that_is_not_accepted_here_does_not_keep_the_model_away(line: Line) -> None:
    async def only_new(_: Plan, bundle: Bundle) -> Acceptance:
        return Acceptance() if bundle.manifest.version == 2 else Acceptance(problems=("lost a class",))

    line.release(version(1))
    line.release(version(2))
    shelf = await line.gateway(only_new)
    await shelf.refresh(line.bus, SUBJECTS)
    assert judge(shelf)[0].model == version(2).name
    assert seat_of(shelf).fallback is None
    assert line.audited[-1][1]["fallback"] == "none: lost a class"


async def test_parts_that_came_before_the_first_model_are_judged_when_it_comes(line: Line) -> None:
    shelf = await line.gateway()
    station = shelf.judge_for(STATION)
    assert [judge(shelf, number, 9.0) for number in range(3)] == [()] * 3
    line.release(version(1))
    await shelf.refresh(line.bus, SUBJECTS)
    late = [item for waited in station.catch_up(10**15, 60 * 10**9) for item in waited.predictions]
    assert len(late) == 3
    assert all(item.late and item.state is not JudgementState.BAD_DATA for item in late)


async def test_another_runtime_accepts_anew_before_a_kept_model_judges(line: Line) -> None:
    await upgraded(line)
    slots = ModelSlots(line.seat_folder)
    slots.point(msgspec.structs.replace(slots.pointer(), runtime="onnxruntime 0.1 on another"))

    async def refusing(_: Plan, bundle: Bundle) -> Acceptance:
        return Acceptance(problems=("differs",) if bundle.manifest.version == 2 else ())

    shelf = await line.gateway(refusing)
    assert judge(shelf)[0].model == version(1).name


@pytest.mark.parametrize("step", ["stage", "point"])
async def test_a_disk_that_is_full_during_the_switch_leaves_the_old_model_and_the_new_one_comes_later(
    line: Line, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.release(version(1))
    shelf = await line.gateway()
    await shelf.refresh(line.bus, SUBJECTS)
    line.release(version(2))
    whole = getattr(ModelSlots, step)
    seen_first = iter([True]) if step == "point" else iter(())  # remembering the version comes before the switch

    def full(slots: ModelSlots, given: object) -> object:
        if next(seen_first, False):
            return whole(slots, given)
        raise StorageError("no space left on device", where=str(slots.folder))

    with monkeypatch.context() as broken:
        broken.setattr(ModelSlots, step, full)
        await shelf.refresh(line.bus, SUBJECTS)
    assert judge(shelf)[0].model == version(1).name
    assert "no space left on device" in " ".join(shelf.refused.values())
    again = await line.gateway()
    assert judge(again)[0].model == version(1).name
    await again.refresh(line.bus, SUBJECTS)
    assert judge(again)[0].model == version(2).name


async def test_half_of_the_gateways_offline_run_what_they_have_and_take_the_new_model_when_they_are_back(
    tmp_path: Path,
) -> None:
    plant = Line(tmp_path / "plant")
    release_signer(plant.root / "keys")
    await plant.serve()
    plant.release(version(1))
    places = [Line(tmp_path / f"gateway{number}", bus=plant.bus) for number in range(4)]
    for place in places:
        shutil.copytree(plant.root / "keys", place.root / "keys")
    shelves = [await place.gateway() for place in places]
    for shelf in shelves:
        await shelf.refresh(plant.bus, SUBJECTS)
    plant.release(version(2))
    for shelf in shelves[:2]:
        await shelf.refresh(plant.bus, SUBJECTS)
    models = [judge(shelf)[0].model for shelf in shelves]
    assert models == [version(2).name] * 2 + [version(1).name] * 2
    plant.release(version(3))
    for shelf in shelves[2:]:  # they have missed one altogether
        await shelf.refresh(plant.bus, SUBJECTS)
    assert [judge(shelf, 1)[0].model for shelf in shelves[2:]] == [version(3).name] * 2
