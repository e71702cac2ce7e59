"""What is said of parts held out: judged as the model that is kept judges, and counted as people meet it."""

from __future__ import annotations

import numpy as np

from lineside.domain.plan.characteristics import AlertDelays
from lineside.domain.plan.model import Plan
from lineside.learn.fit import FitRequest, FitResult, fit
from lineside.learn.validation import alert_metrics
from lineside.testing.modelling import CHARACTERISTIC, modelling_plan, part_table


def learned(plan: Plan, rows: int = 3000) -> FitResult:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(rows, 4))
    bad = features[:, 0] + 0.5 * rng.normal(size=rows) > 1.9
    outcome = ["nonconforming" if item else "conforming" for item in bad]
    return fit(FitRequest(plan=plan, characteristic=CHARACTERISTIC, table=part_table(plan, features, outcome)))


def test_alarms_one_after_the_other_are_one_false_alert_and_one_raised_at_a_bad_part_is_none() -> None:
    alarm = np.array([1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0], dtype=np.bool_)
    bad = np.zeros(12, dtype=np.bool_)
    bad[8] = True
    group = np.full(12, "", dtype=object)
    assert alert_metrics(alarm, bad, group, AlertDelays()) == {"false_alert_rate": 1 / 11}
    group[2:] = "the next day"
    assert alert_metrics(alarm, bad, group, AlertDelays()) == {"false_alert_rate": 2 / 11}


def test_parts_held_out_are_judged_by_a_limit_that_costs_have_raised_as_that_of_the_model_is() -> None:
    cheap, dear = (
        learned(modelling_plan(4, model={"family": "supervised", "false_alarm_rate": 0.05}, cost=cost))
        for cost in ({"escape": 1e6, "false_alarm": 1}, {"escape": 1, "false_alarm": 50})
    )
    assert dear.report.limit > cheap.report.limit
    assert dear.report.metrics["false_alarm_rate"] < cheap.report.metrics["false_alarm_rate"] / 2
    assert dear.report.metrics["recall"] < cheap.report.metrics["recall"]


def test_a_limit_by_the_service_level_is_certain_and_one_by_a_rate_of_the_model_keeps_it_on_average() -> None:
    service, own = (
        learned(paced(modelling_plan(4, model={"family": "supervised", **rate}))).report
        for rate in ({}, {"false_alarm_rate": 0.01})
    )
    assert service.likely_rate <= service.nominal_rate
    assert own.guaranteed_rate <= own.nominal_rate < own.likely_rate
    assert service.metrics["false_alert_rate"] <= service.metrics["false_alarm_rate"]


def paced(plan: Plan) -> Plan:
    """Return the plan with a station that makes 60 parts an hour."""
    return plan.model_copy(update={"stations": (plan.stations[0].model_copy(update={"parts_per_hour": 60.0}),)})
