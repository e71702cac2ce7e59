from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.plan.budget import false_alarms
from lineside.domain.plan.model import Rates
from lineside.domain.readiness import (
    CAN_BE_CONCEDED,
    HeldOut,
    Level,
    Lived,
    Used,
    Verdict,
    beside_champion,
    in_service,
    lacking,
    loss_of_share,
    readiness,
    wilson,
)
from lineside.domain.units import MILLISECOND, SECOND
from lineside.testing.floors import sample_plan

PLAN = sample_plan()
GOOD = HeldOut(scheme="later periods", bad=400, found=300, good=10_000, false=2)
LIVED = Lived(
    parts=5000, judged=4998, bad=300, found=230, p99=100 * MILLISECOND, alerts=100, answered=95
)  # fmt: skip


def levels(held_out: HeldOut = GOOD, lived: Lived = LIVED, lacks: tuple[str, ...] = ()) -> dict[str, Level]:
    return {level.name: level for level in readiness(PLAN, "porosity", held_out, lived, lacks)}


def test_every_service_level_of_the_plan_has_a_verdict_and_its_evidence() -> None:
    found = levels()
    assert found["recall, held out"].verdict is Verdict.MET
    assert found["availability"].verdict is Verdict.MET
    assert found["adoption"].verdict is Verdict.MET
    assert found["sensor to alert, 99th percentile"].verdict is Verdict.MET
    assert found["recall, held out"].evidence == "300 of 400 nonconforming parts held out"


def test_a_release_that_was_never_in_service_is_not_ready_and_not_bad_either() -> None:
    found = levels(lived=Lived())
    assert {found[name].verdict for name in ("recall, in service", "availability", "adoption")} == {
        Verdict.INSUFFICIENT
    }
    assert lacking(tuple(found.values()))
    assert lacking(tuple(found.values()), served=False) == {"cost per part": "cost per part: insufficient evidence"}


def test_few_cases_are_no_evidence_however_good_they_look() -> None:
    assert levels(replace(GOOD, bad=2, found=2))["recall, held out"].verdict is Verdict.INSUFFICIENT
    few = replace(LIVED, parts=999, judged=999)
    assert levels(lived=few)["sensor to alert, 99th percentile"].verdict is Verdict.INSUFFICIENT


def test_what_is_clearly_worse_than_declared_is_missed() -> None:
    assert levels(replace(GOOD, found=100))["recall, held out"].verdict is Verdict.MISSED
    assert levels(replace(GOOD, false=2000))["false alarms a shift"].verdict is Verdict.MISSED
    slow = replace(LIVED, p99=30 * SECOND)
    assert levels(lived=slow)["sensor to alert, 99th percentile"].verdict is Verdict.MISSED
    assert levels(lived=replace(LIVED, found=60))["performance loss"].verdict is Verdict.MISSED
    assert levels(lacks=("no reaction",))["rule coverage"].verdict is Verdict.MISSED


def test_cost_is_not_called_met_while_nothing_says_what_it_is() -> None:
    assert levels()["cost per part"].verdict is Verdict.INSUFFICIENT


def test_a_part_costs_its_processor_seconds_and_its_bytes_at_the_plans_rates() -> None:
    priced = PLAN.model_copy(update={"rates": Rates(processor_hour=0.36, gigabyte=2.0)})
    used = Used(cpu_seconds=0.01, bytes=5000, evidence="200 golden parts")
    most = PLAN.service_levels.cost_per_part
    (cost,) = [x for x in readiness(priced, "porosity", GOOD, LIVED, (), used) if x.name == "cost per part"]
    assert cost.measured.startswith("1.1e-05 ")  # 0.01 s / 3600 s * 0.36 + 5000 / 1e9 * 2.0
    assert cost.verdict is (Verdict.MET if most >= 1.1e-5 else Verdict.MISSED)
    dear = replace(used, cpu_seconds=1e6)
    assert readiness(priced, "porosity", GOOD, LIVED, (), dear)[7].verdict is Verdict.MISSED
    assert readiness(priced, "porosity", GOOD, LIVED, ())[7].evidence == "nothing was measured"


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_interval_holds_the_share_and_narrows_with_cases(hits: int, more: int) -> None:
    of = hits + more
    low, high = wilson(hits, of)
    assert 0.0 <= low <= high <= 1.0
    if of:
        assert low <= hits / of + 1e-12
        assert high >= hits / of - 1e-12
        wide = wilson(hits * 4, of * 4)
        assert wide[1] - wide[0] <= high - low + 1e-12


def test_the_interval_is_wilsons() -> None:
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2633, 0.3566)


def test_false_alarms_that_the_limit_promises_to_keep_need_no_second_proof_where_none_too_many_were_seen() -> None:
    accepted = false_alarms(PLAN, PLAN.characteristic("porosity")).rate
    seen = replace(GOOD, false=int(0.9 * accepted * GOOD.good))

    def verdict(held_out: HeldOut) -> Verdict:
        return levels(held_out)["false alarms a shift"].verdict

    assert verdict(seen) is Verdict.INSUFFICIENT
    assert verdict(replace(seen, promised=accepted)) is Verdict.MET
    assert verdict(replace(seen, promised=accepted * 1.01)) is Verdict.INSUFFICIENT
    assert verdict(replace(seen, promised=accepted, false=int(1.2 * accepted * GOOD.good))) is Verdict.INSUFFICIENT
    assert verdict(replace(seen, promised=accepted, false=200)) is Verdict.MISSED


def test_false_alarms_are_counted_in_alerts_where_parts_came_in_time() -> None:
    found = levels(replace(GOOD, false=8, false_alerts=2, promised=1e-4))["false alarms a shift"]
    assert "alerts" in found.measured
    assert found.evidence.startswith("2 false alerts at 10000 conforming parts held out")
    assert found.evidence.endswith("nine of ten such limits keep to 0.01%")


@pytest.mark.parametrize("cases", [(40, 40), (60, 150), (400, 30)])
def test_the_interval_of_a_loss_holds_what_it_says_and_not_far_more(cases: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(cases))
    held = []
    for then, now in ((0.9, 0.8), (0.7, 0.7), (0.95, 0.5)):
        hits = zip(rng.binomial(cases[0], then, 400), rng.binomial(cases[1], now, 400), strict=True)
        intervals = [loss_of_share((a, cases[0]), (b, cases[1])) for a, b in hits]
        held += [least <= then - now <= greatest for _, least, greatest in intervals]
    assert 0.87 <= np.mean(held) <= 0.95


def test_a_loss_is_known_sooner_than_both_shares_are() -> None:
    loss, least, greatest = loss_of_share((52, 60), (80, 100))
    then, now = wilson(52, 60), wilson(80, 100)
    assert then[0] - now[1] < least < loss < greatest < then[1] - now[0]


@pytest.mark.parametrize(
    ("champion_found", "better", "conceded"), [(80, True, True), (80, False, False), (190, True, False)]
)
def test_a_loss_is_let_off_only_beside_a_champion_that_misses_it_and_is_beaten_beyond_doubt(
    champion_found: int, *, better: bool, conceded: bool
) -> None:
    lost = replace(GOOD, found=390)  # 0.98 held out; 0.75 of 200 in service are a loss of more than 0.1
    own = readiness(PLAN, "porosity", lost, replace(LIVED, bad=200, found=150), ())
    champion = in_service(PLAN, GOOD, replace(LIVED, bad=200, found=champion_found))
    levels = {item.name: item for item in beside_champion(own, champion, better=better)}
    assert levels["performance loss"].verdict is Verdict.MISSED
    assert {name for name, item in levels.items() if item.concedable} == ({"performance loss"} if conceded else set())
    assert "performance loss" in lacking(tuple(levels.values()))
    assert {item.name for item in champion} == set(CAN_BE_CONCEDED)
