"""A champion that breaks its service levels is taken back by the system itself, where the plan wants that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lineside.adapters.state_sql import SqlState, open_state, sqlite_url
from lineside.apps.layout import Layout
from lineside.apps.plant.release_ladder import ReleaseLadder
from lineside.apps.plant.rolling_back import AutomaticRollback
from lineside.apps.releasing import put_in_service, signing_folder
from lineside.domain.access import AccessRole
from lineside.domain.performance.report import NO_TRUTH, Damage, PerformanceReport
from lineside.domain.plan.levels import ServiceLevels
from lineside.domain.plan.model import Plan
from lineside.domain.releases.canary import Canary
from lineside.domain.releases.deciding import Act, Person, Report, approve, promote
from lineside.domain.releases.ladder import fold
from lineside.domain.releases.table import Rung
from lineside.testing.boards import sample_watched
from lineside.testing.clocks import ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.modelling import CHARACTERISTIC, STATION, fitted, modelling_plan
from lineside.wire.bundle import Bundle

PLAN = modelling_plan(3, model={"family": "supervised"})
WILLING = PLAN.model_copy(update={"service_levels": ServiceLevels(roll_back=True)})


@pytest.fixture(scope="module")
def bundles() -> list[Bundle]:
    return [fitted(PLAN, version) for version in (1, 2)]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqlState]:
    Layout(tmp_path).create()
    state = open_state(sqlite_url(Layout(tmp_path).state))
    yield state
    state.close()


async def _ladder(
    tmp_path: Path, state: SqlState, bundles: list[Bundle], audit: FakeAudit
) -> tuple[ReleaseLadder, list[str]]:
    """Return a ladder on which each demo's model was replaced by the next, and their names."""
    layout = Layout(tmp_path)
    ladder = ReleaseLadder(
        plan=PLAN,
        folder=signing_folder(layout),
        history=layout.history,
        state=state,
        audit=audit,
        clock=ManualClock(),
    )
    names = []
    for bundle in bundles:
        names.append(put_in_service(layout, PLAN, bundle).name)
        await ladder.ladder()
    return ladder, names


def _damaged(model: str) -> PerformanceReport:
    (report,) = sample_watched().performance
    damage = (Damage(what="performance loss", text="recall 0.40 of 200 bad parts, released with 0.90"),)
    return replace(report, station=STATION, characteristic=CHARACTERISTIC, model=model, damage=damage)


async def _champion(ladder: ReleaseLadder) -> str:
    standing = (await ladder.ladder()).champion(f"{STATION}/{CHARACTERISTIC}")
    return "" if standing is None else standing.release


@pytest.mark.parametrize(("plan", "back"), [(WILLING, True), (PLAN, False)])
async def test_the_one_before_judges_again_only_where_the_plan_wants_it(
    tmp_path: Path, state: SqlState, bundles: list[Bundle], plan: Plan, *, back: bool
) -> None:
    audit = FakeAudit()
    ladder, names = await _ladder(tmp_path, state, bundles, audit)
    await AutomaticRollback(plan, ladder, audit)(_damaged(names[1]))
    assert await _champion(ladder) == names[0 if back else 1]
    assert any("service levels are broken: recall 0.40" in entry.content for entry in audit.kept) is back
    if back:
        assert (await ladder.ladder()).of(names[1]).rung is Rung.RETIRED


async def test_inspection_that_has_gone_silent_takes_no_model_back(
    tmp_path: Path, state: SqlState, bundles: list[Bundle]
) -> None:
    ladder, names = await _ladder(tmp_path, state, bundles, FakeAudit())
    silent = replace(_damaged(names[1]), damage=(Damage(what=NO_TRUTH, text="no truth for 100 parts"),))
    await AutomaticRollback(WILLING, ladder, FakeAudit())(silent)
    assert await _champion(ladder) == names[1]


async def test_nothing_to_go_back_to_is_recorded_and_a_model_that_judges_no_more_is_left_alone(
    tmp_path: Path, state: SqlState, bundles: list[Bundle]
) -> None:
    audit = FakeAudit()
    ladder, (name,) = await _ladder(tmp_path, state, bundles[:1], audit)
    act = AutomaticRollback(WILLING, ladder, audit)
    await act(_damaged("porosity/9+gone"))
    assert await _champion(ladder) == name
    await act(_damaged(name))
    assert audit.kept[-1].action == "rollback.none"
    assert await _champion(ladder) == name


@pytest.mark.parametrize(("what", "back"), [("performance loss", False), ("false alarms", True)])
async def test_no_loss_leads_back_to_a_model_that_missed_it_when_it_was_replaced_by_a_better_one(
    tmp_path: Path, state: SqlState, bundles: list[Bundle], what: str, *, back: bool
) -> None:
    audit = FakeAudit()
    ladder, _ = await _ladder(tmp_path, state, [], audit)
    for bundle in bundles:
        ladder.folder.add(bundle)
    ladder.folder.offer(bundles[0], note="the first")
    await ladder.ladder()
    name = bundles[0].name
    await _crown(state, bundles[1].name, f"{STATION}/{CHARACTERISTIC}")
    await ladder.settle()
    damage = (Damage(what=what, text=f"{what} is broken"),)
    await AutomaticRollback(WILLING, ladder, audit)(replace(_damaged(bundles[1].name), damage=damage))
    assert await _champion(ladder) == (name if back else bundles[1].name)
    if not back:
        assert audit.kept[-1].action == "rollback.none"
        assert f"{name} missed performance loss when it was replaced" in audit.kept[-1].content


async def _crown(state: SqlState, release: str, place: str) -> None:
    """Let a release replace the champion of a place, by concession without the loss that both miss."""
    persons = [Person(pseudonym=name, role=AccessRole.ENGINEER) for name in ("anna", "bert", "carl")]
    author, *others = [Act(by=person, reason="better since the die was changed", now=1) for person in persons]
    missed = {"performance loss": "performance loss: missed"}
    events = await state.ladder.all()
    before = len(events)
    for rung in (None, None, Rung.CANARY, Rung.CHAMPION):
        for act in others if rung else ():
            events += approve(fold(events), release, act, tuple(missed))
        report = rung and Report(
            release=release, rung=rung, lacks=(), digest="ab12", concedable=missed, beaten=tuple(missed)
        )
        events += promote(fold(events), release, place, author, report or None, Canary(share=0.5))
    await state.ladder.append(events[before:], after=before)
