"""Configurations at a gateway: what is refused, what is put into force, and the way back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lineside.adapters.configuration_files import ConfigurationFiles
from lineside.adapters.gateway_identity import Identity, draft_identity, install_identity
from lineside.adapters.plan_yaml import load_plan, parse_plan
from lineside.apps.gateway.configuration import Configurator, plan_to_run
from lineside.apps.layout import Layout
from lineside.domain.configuring import GRACE, WATCHED
from lineside.domain.errors import UnavailableError
from lineside.domain.plan.applying import Application
from lineside.domain.plan.model import Plan
from lineside.domain.units import DAY, SECOND
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.fakes.bus import FakeBus
from lineside.wire.configuration import Configuration, ConfigurationAsk, decode_ask, sign_configuration
from lineside.wire.enrolment import EnrolToken
from lineside.wire.signed import Signer
from running_line import PLAN

PLANT, STRANGER = Signer(b"p" * 32), Signer(b"s" * 32)
OTHER_TEXT = PLAN.replace("Porosity likely: cooling is too weak.", "Cooling is too weak: look at the chiller.")
OTHER_SOURCE = PLAN.replace("layout: wide, time_column: time}", "layout: wide, time_column: moment}")
OTHER_JUDGEMENT = PLAN.replace("features: [mean]}", "features: [mean, max]}", 1)


@dataclass
class FakeRuns:
    """Does what it is told, and is as well as it is said to be."""

    health: dict[str, tuple[int, str]] = field(default_factory=lambda: {"source machine": (0, "connected")})
    applied: list[tuple[Plan, Application]] = field(default_factory=list)
    fails: bool = False

    def levels(self) -> dict[str, tuple[int, str]]:
        return self.health

    async def apply(self, plan: Plan, application: Application) -> None:
        if self.fails:
            raise UnavailableError("the new source cannot be opened")
        self.applied.append((plan, application))

    @property
    def texts(self) -> list[str]:
        return [plan.reactions[0].text for plan, _ in self.applied]


@dataclass
class Line:
    """A gateway with its files, and the plant's answers."""

    layout: Layout
    plan_file: Path
    identity: Identity
    clock: ManualClock = field(default_factory=ManualClock)
    runs: FakeRuns = field(default_factory=FakeRuns)
    audit: FakeAudit = field(default_factory=lambda: FakeAudit("gw1", ManualClock()))
    bus: FakeBus = field(default_factory=FakeBus)

    def configurator(self) -> Configurator:
        return Configurator(
            identity=self.identity,
            files=self.files,
            plan_file=self.plan_file,
            plan=plan_to_run(self.plan_file, self.layout, self.clock.now()),
            bus=self.bus,
            subject="configuration",
            audit=self.audit,
            clock=self.clock,
            runs=self.runs,
            pause=0.01,
        )

    @property
    def files(self) -> ConfigurationFiles:
        return ConfigurationFiles(self.layout.configuration)

    async def actions(self) -> list[str]:
        return [entry.action.removeprefix("configuration.") for entry in await self.audit.entries()]


@pytest.fixture
def line(tmp_path: Path) -> Line:
    layout, plan_file = Layout(tmp_path / "data"), tmp_path / "plan.yaml"
    plan_file.write_text(PLAN)
    layout.identity.parent.mkdir(parents=True)
    token = EnrolToken("t", "gw1", "works", "dc07", "nats://127.0.0.1:1", b"", PLANT.public, b"e" * 32, b"", 0)
    identity = install_identity(draft_identity(layout.identity, token, b"", 1), layout.identity)
    return Line(layout, plan_file, identity)


def signed(version: int, plan: str = OTHER_TEXT, signer: Signer = PLANT, **changed: object) -> bytes:
    fields: dict[str, object] = {"site": "works", "line": "dc07", "gateway": "gw1", "issued": A_MOMENT}
    fields |= {"expires": A_MOMENT + DAY} | changed
    return sign_configuration(Configuration(version=version, plan=plan, **fields), signer)  # type: ignore[arg-type]


async def test_a_text_is_exchanged_under_way_and_counts_once_it_was_watched(line: Line) -> None:
    configurator = line.configurator()
    await configurator.take(signed(1))
    assert line.runs.texts == ["Cooling is too weak: look at the chiller."]
    assert line.runs.applied[0][1] == Application()
    assert line.files.read().trial
    line.clock.move(WATCHED)
    await configurator._wait()
    kept = line.files.read()
    assert (kept.running, kept.trial, kept.outcome) == (1, False, "running")
    assert await line.actions() == ["taken", "running"]
    assert plan_to_run(line.plan_file, line.layout, line.clock.now()).reactions[0].text.startswith("Cooling")


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        (signed(2, signer=STRANGER), "not signed by a key that is trusted as plant"),
        (signed(2, gateway="gw2"), "not for this gateway"),
        (signed(2, line="dc08"), "not for this gateway"),
        (signed(2, site="elsewhere"), "not for this gateway"),
        (signed(1), "not newer than 1"),
        (signed(2, expires=A_MOMENT), "expired"),
        (signed(2, issued=A_MOMENT + DAY), "issued in the future"),
        (signed(2, plan=PLAN.replace("signal: running", "signal: absent")), "the control plan has"),
        (signed(2, plan="nonsense: ["), "the control plan has"),
        (signed(2, plan=PLAN.replace("line: {id: dc07", "line: {id: dc09")), "of another line"),
        (b"nonsense", "not a signed envelope"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_does_not_fit_is_refused_and_what_runs_goes_on(line: Line, offered: bytes, reason: str) -> None:
    configurator = line.configurator()
    await configurator.take(signed(1))
    line.clock.move(WATCHED)
    await configurator._wait()
    line.clock = configurator.clock = ManualClock()
    await configurator.take(offered)
    kept = line.files.read()
    assert (kept.running, kept.outcome) == (1, "refused")
    assert reason in kept.reason
    assert len(line.runs.applied) == 1
    assert (await line.actions())[-1] == "refused"


async def test_a_version_that_was_refused_is_not_taken_when_it_comes_again(line: Line) -> None:
    configurator = line.configurator()
    await configurator.take(signed(4, plan="nonsense: ["))
    await configurator.take(signed(4))
    assert line.runs.applied == []
    await configurator.take(signed(5))
    assert len(line.runs.applied) == 1


async def test_the_newest_version_is_remembered_through_a_restart(line: Line) -> None:
    await line.configurator().take(signed(7))
    await line.configurator().take(signed(6))
    assert line.files.read().running == 7
    assert "not newer than 7" in line.files.read().reason


async def test_only_the_source_that_changed_is_opened_anew(line: Line) -> None:
    await line.configurator().take(signed(1, plan=OTHER_SOURCE))
    assert line.runs.applied[0][1].sources == ("machine",)


async def test_what_models_depend_on_waits_for_the_next_start_and_says_so(line: Line) -> None:
    await line.configurator().take(signed(1, plan=OTHER_JUDGEMENT))
    kept = line.files.read()
    assert line.runs.applied == []
    assert kept.outcome == "waiting"
    assert "models must be made" in kept.reason
    assert plan_to_run(line.plan_file, line.layout, A_MOMENT) == parse_plan(OTHER_JUDGEMENT, "")


async def test_a_source_that_is_lost_after_a_change_brings_the_one_before_back(line: Line) -> None:
    configurator = line.configurator()
    await configurator.take(signed(1))
    line.clock.move(WATCHED)
    await configurator._wait()
    await configurator.take(signed(2, plan=OTHER_SOURCE))
    line.runs.health = {"source machine": (2, "source machine: lost (no such column)")}
    line.clock.move(GRACE - SECOND)
    await configurator._wait()
    assert line.files.read().running == 2
    line.clock.move(SECOND)
    await configurator._wait()
    kept = line.files.read()
    assert (kept.running, kept.about, kept.outcome) == (1, 2, "returned")
    assert "no such column" in kept.reason
    assert line.runs.texts == [
        "Cooling is too weak: look at the chiller.",
        "Porosity likely: cooling is too weak.",
        "Cooling is too weak: look at the chiller.",
    ]
    assert await line.actions() == ["taken", "running", "taken", "returned"]


async def test_what_was_bad_before_a_change_is_no_reason_to_return(line: Line) -> None:
    line.runs.health = {"source machine": (2, "lost")}
    configurator = line.configurator()
    await configurator.take(signed(1))
    line.clock.move(WATCHED)
    await configurator._wait()
    assert line.files.read().outcome == "running"


async def test_a_change_that_cannot_be_made_is_taken_back_at_once(line: Line) -> None:
    line.runs.fails = True
    await line.configurator().take(signed(1, plan=OTHER_SOURCE))
    kept = line.files.read()
    assert (kept.running, kept.outcome) == (0, "returned")
    assert "cannot be opened" in kept.reason


async def test_a_gateway_that_ends_again_and_again_while_it_is_tried_returns(line: Line) -> None:
    await line.configurator().take(signed(1))
    texts = [plan_to_run(line.plan_file, line.layout, A_MOMENT).reactions[0].text for _ in range(4)]
    assert [text.split()[0] for text in texts] == ["Cooling", "Cooling", "Porosity", "Porosity"]
    kept = line.files.read()
    assert (kept.running, kept.outcome) == (0, "returned")
    assert "ended 2 times" in kept.reason


async def test_a_file_that_somebody_changed_is_not_run(line: Line) -> None:
    await line.configurator().take(signed(1))
    path = line.layout.configuration / "running.json"
    path.write_bytes(signed(1, signer=STRANGER))
    assert plan_to_run(line.plan_file, line.layout, A_MOMENT) == load_plan(line.plan_file)
    assert "not signed by" in line.files.read().reason


async def test_one_that_is_still_watched_is_nothing_to_return_to(line: Line) -> None:
    configurator = line.configurator()
    await configurator.take(signed(1))
    await configurator.take(signed(2, plan=OTHER_SOURCE))
    line.runs.health = {"source machine": (2, "lost")}
    line.clock.move(GRACE)
    await configurator._wait()
    assert line.files.read().running == 0


async def test_the_plant_is_told_what_came_of_it(line: Line) -> None:
    heard: list[ConfigurationAsk] = []

    async def plant(data: bytes) -> bytes:
        heard.append(decode_ask(data))
        return signed(1) if heard[-1].running == 0 else b""

    await line.bus.serve("configuration", plant, "q")
    task = asyncio.create_task(line.configurator().run())
    async with asyncio.timeout(20):
        while len(heard) < 2 or heard[-1].outcome != "running":
            line.clock.move(WATCHED)
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (heard[0].running, heard[-1].running, heard[-1].about) == (0, 1, 1)
