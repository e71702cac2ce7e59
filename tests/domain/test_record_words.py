"""What records and gateways say in words is made of patterns, and is read back by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.apps.web.language import speaking
from lineside.apps.web.words import recorded
from lineside.domain.backtests.regimes import Worst
from lineside.domain.buffering import REASONS
from lineside.domain.coverage.facts import Condition
from lineside.domain.coverage.gaps import Gap, Side, gap_words
from lineside.domain.coverage.record import Share
from lineside.domain.eight_d import Problem, eight_d
from lineside.domain.health import gateway as health
from lineside.domain.health.clocks import ClockEstimate, clock_finding
from lineside.domain.health.load import Detail, Shedder, Use
from lineside.domain.health.sources import Phase, SourceCondition, source_health
from lineside.domain.health.states import Health, State, Subject
from lineside.domain.plan.gateway import Ceilings
from lineside.domain.record_words import read_back
from lineside.domain.said import Value
from lineside.domain.shifts import MONTHS, SEASONS
from lineside.domain.units import HOUR, MILLISECOND, MINUTE, SECOND
from lineside.learn.regime_check import RegimeCheck

SIZES = st.integers(0, 10**13)
SPANS = st.integers(0, 100 * HOUR)
COUNTS = st.integers(0, 10**9)


def whole(text: str) -> None:
    """Assert that a text is read back as it stands, and each of its clauses as one of ours."""
    said = read_back(text)
    assert said is not None, text
    assert str(said) == text
    assert "{text}" not in said.clauses[-1][0]
    for _, values in said.clauses:
        for name in ("first", "rest"):
            if name in values:
                whole(str(values[name]))


@given(SIZES, SIZES, st.integers(0, 10**12), COUNTS)
def test_how_a_disk_a_buffer_and_a_link_do_is_read_back(free: int, least: int, write: int, count: int) -> None:
    whole(health.disk_finding(free=free, least=least, write=write).reason)
    for dropped, rate in ((0, 0.0), (count + 1, 1e4)):
        whole(
            health.buffer_finding(
                unrecorded=False, used=free, limit=least + 1, bytes_per_second=rate, dropped=dropped
            ).reason
        )
    whole(health.link_finding(reachable=True, tried=True, backlog=count, confirmed=free, problem="").reason)


@given(
    offset=SPANS,
    jitter=SPANS,
    drift=st.floats(-900, 900),
    back=st.booleans(),
    refused=COUNTS,
    side=st.sampled_from((1, -1)),
)
def test_how_a_clock_does_is_read_back(
    *, offset: int, jitter: int, drift: float, back: bool, refused: int, side: int
) -> None:
    estimate = ClockEstimate(offset=side * offset, jitter=jitter, drift=drift)
    whole(clock_finding(estimate, MILLISECOND, refused, sets_back=back).reason)
    whole(clock_finding(estimate, None, 0).reason)


@given(SPANS, st.integers(30, 3600).map(lambda seconds: seconds * SECOND))
def test_a_silent_source_and_a_busy_station_are_read_back(span: int, allowed: int) -> None:
    connected = SourceCondition(phase=Phase.CONNECTED, since=1)
    silent = source_health("press", connected, heard=1, allowed=allowed, now=allowed + span + 2)
    whole(silent.reason)
    whole(silent.words)
    judged = health.station_finding(expected=["porosity"], judged=True, parts=4, last=0, missing=(), now=span).reason
    whole(judged)


@pytest.mark.parametrize(
    "text",
    [
        *REASONS.values(),
        "the outbox could not be written",
        "the outbox file was damaged and nothing of it can be read; how many readings it held is not known",
        health.station_finding(expected=["b", "a"], judged=False, parts=0, last=0, missing=(), now=0).reason,
        health.station_finding(expected=[], judged=False, parts=0, last=0, missing=(), now=0).reason,
        health.station_finding(expected=[], judged=False, parts=1, last=0, missing=["x"], now=0).reason,
        health.buffer_finding(unrecorded=True, used=0, limit=0, bytes_per_second=0, dropped=0).reason,
        health.record_finding(compared=4, rounds=1, differences=(), problem="").reason,
        health.record_finding(compared=0, rounds=0, differences=(), problem="").reason,
        "is gone: fell silent; all was good",
        "is gone: it failed: no; source press: silent (connected, and nothing for 40 s); disk: low (1.0 GB free)",
        "its disk cannot be written: judgements are unrecorded",
        "4 readings could not be recorded",
        "two gateways run under this name: stop one of them",
        "later periods held out (5 blocks, each judged by all before it), by models of at most 30,000 conforming parts",
        "whole groups held out (5 folds)",
        "stratified 5-fold at random: rows have no time, so later parts may do worse",
        "too few parts to validate",
        "whole groups held out (5 folds); trees against line: error lower by -1.2e-05 +- 3e-06 per fold",
        "parts made after those that the prototype was learned from",
        "parts that the prototype may have seen: nothing is promised",
    ],
)
def test_what_is_said_is_read_back(text: str) -> None:
    whole(text)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("parts", [0, 1, 7])
@pytest.mark.parametrize("unit", ["degC", ""])
def test_every_gap_is_read_back(side: Side, parts: int, unit: str) -> None:
    hall = Condition(
        signal="hall", label="Hall: north (2)", unit=unit, declared=(5.0, 42.0), seen=(12.0, 33.5), beyond=(0, 0),
        edges=(5.0, 42.0), parts=(9,), states=False, known=9,
    )  # fmt: skip
    gap = Gap(signal="hall", side=side, low=-33.5, high=42.0, parts=parts)
    whole(gap_words(hall, gap))
    whole(f"{gap_words(hall, gap)}; how often the line is there is not known")


@pytest.mark.parametrize("per", ["shifts", "days"])
@pytest.mark.parametrize("month", ["", *MONTHS, "May 2026"])
@pytest.mark.parametrize("there", [0, 1, 40])
def test_how_often_the_line_is_somewhere_is_read_back(per: str, month: str, there: int) -> None:
    share = Share(there=there, total=400, per=per, month=month, month_there=there, month_total=60)
    whole(share.words())
    whole(f"Hall with Water: no parts in some combinations; {share.words()}, most often Hall 3 to 4 degC with Water 1")


@pytest.mark.parametrize("figure", ["false_alarm_rate", "recall", "auc", "rmse", "share_outside_experience"])
@pytest.mark.parametrize("regime", [*SEASONS, "Shift early"])
def test_the_worst_regimes_are_read_back(figure: str, regime: str) -> None:
    worst = Worst(figure=figure, regime=regime, value=0.25, units=40, mean=0.125, of=3)
    text = RegimeCheck(each=(), worst=(worst,)).lines()[0]
    whole(text)
    said = read_back(text)
    assert said is not None
    assert isinstance(said.clauses[0][1]["regime"], Value) is (regime in SEASONS)
    whole(RegimeCheck(each=(), worst=()).lines()[0])


def test_what_an_8d_report_says_of_its_own_is_read_back() -> None:
    problem = Problem(
        alert="a", line="L", part="P", station="S", characteristic="C", text="t", raised="r", ended="e", score=None,
        limit=None, causes=(), suspects=("1", "2"), steps=(), done=(), checked=2, nonconforming=1, verdict="",
    )  # fmt: skip
    report = eight_d(problem)
    for text in (report["D2"]["how_found"], report["D2"]["how_many"], report["D3"]["since"]):
        whole(text)


def test_a_step_of_the_clock_is_read_back() -> None:
    watch = health.ClockWatch()
    watch.look(0, 0)
    whole(watch.look(3 * SECOND, SECOND).reason)
    whole(watch.look(3 * SECOND + 5 * MINUTE, SECOND + 5 * MINUTE).reason)


def test_what_is_left_out_under_load_is_read_back_detail_by_detail() -> None:
    shedder = Shedder(Ceilings(cpu=50))
    for second in (0, 6, 12, 18):
        shedder.look(Use(cpu=90, memory=10**9, disk=20), second * SECOND)
    for detail in Detail:
        shedder.sheds(detail)
    assert shedder.finding.state is State.SHEDDING
    said = read_back(shedder.finding.reason)
    assert said is not None
    assert str(said) == shedder.finding.reason


def test_what_a_machine_says_of_itself_stands_as_it_is_among_what_is_ours() -> None:
    condition = SourceCondition(phase=Phase.LOST, since=1, reason="connection refused", next_try=4 * SECOND + 1)
    lost = source_health("press", condition, heard=0, allowed=0, now=1)
    said = read_back(lost.words)
    assert said is not None
    assert str(said) == "source press: lost (connection refused; tried again in 4.0 s)"
    assert read_back("connection refused") is None


@pytest.mark.parametrize(
    "text", ["it failed: [Errno 5] no; more of it", "nothing heard; no route to host", "no; all was good"]
)
def test_what_is_not_ours_may_stand_at_either_end(text: str) -> None:
    assert recorded(text) == text
    with speaking("de"):
        assert recorded("nothing heard; no route to host") == "nichts gehört; no route to host"


def test_a_state_of_every_subject_is_read_back() -> None:
    for subject in Subject:
        for state in State:
            try:
                item = Health(subject=subject, id="x", state=state, since=0, reason="no part since the start")
            except ValueError:
                continue
            whole(item.words)


@pytest.mark.parametrize(
    "text",
    [
        "is gone: " * 440,
        "; ".join(["nothing heard"] * 260),
        "nothing heard; " + "; ".join(["a"] * 1_300),
        "4 s ahead, jitter 1 s" + ", drift 1 ppm" * 300,
        "source a: lost (" * 240,
        "line " + ", station " * 380 + ", part",
    ],
    ids=lambda text: text[:24],
)
def test_a_text_of_anybody_however_long_and_deep_is_said_as_it_stands(text: str) -> None:
    assert recorded(text) == text


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda text: f"is gone: {text}; nothing heard"))
def test_no_text_is_changed_by_being_read_back(text: str) -> None:
    said = read_back(text)
    assert said is None or str(said) == text
