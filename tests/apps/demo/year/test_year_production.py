"""The year's parts are those of production, its truth is kept apart, and instruments err without touching parts."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from lineside.adapters.plan_yaml import parse_plan
from lineside.apps.demo.history import STATION
from lineside.apps.demo.line import Checkpoint, SimulatedLine
from lineside.apps.demo.physics.cell import Cell, CellState
from lineside.apps.demo.physics.constants import CellConfig, Instruments
from lineside.apps.demo.physics.faults import Fault, FaultKind
from lineside.apps.demo.physics.instruments import errors_of, surroundings_of
from lineside.apps.demo.run import packaged_plan
from lineside.apps.demo.year.calendar import BEGIN, SHIFT, ProductionDay, Season, season_days
from lineside.apps.demo.year.production import DayOfParts, YearCell, year_config, year_plan
from lineside.apps.demo.year.troubles import Trouble, TroubleKind
from lineside.domain.cycles.assembler import CycleAssembler
from lineside.domain.features.recipe import recipe_for
from lineside.domain.parts import PartRecord
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.domain.readings import make_batch
from lineside.domain.units import HOUR, MINUTE, SECOND

SUMMER = BEGIN + 120 * 24 * HOUR
LEAK = Fault(kind=FaultKind.VACUUM_LEAK, start=SUMMER + HOUR, end=SUMMER + 2 * HOUR, severity=0.8)
STUCK = Fault(kind=FaultKind.SENSOR_STUCK, start=SUMMER + 3 * HOUR, end=SUMMER + 4 * HOUR)
DAY = ProductionDay(week=17, season=Season.SUMMER, start=SUMMER, shifts=1, cold=True, faults=(LEAK, STUCK))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return year_plan(parse_plan(packaged_plan(), "demo"))


@pytest.fixture(scope="module")
def made(plan: Plan) -> DayOfParts:
    return next(YearCell(plan=plan, seed=21).days((DAY,)))


def parts_as_said_live(plan: Plan, shots: int) -> list[PartRecord]:
    """Return the day's first parts as the gateway makes them of what the line says, every second of it."""
    catalogue = catalogue_for(plan)
    first = (DAY.start - BEGIN) * 5 * 1800 // (7 * 24 * HOUR)
    state = CellState(time=DAY.start, shot=first, cold=DAY.start)
    line = SimulatedLine(Checkpoint(seed=21, said=0, cell=state), Cell(year_config(), 21, state), catalogue)
    assembler, codes = CycleAssembler(plan, STATION, catalogue), catalogue.codes()
    parts: list[PartRecord] = []
    now = DAY.start
    while len(parts) < shots:
        now += 7 * SECOND
        said, _ = line.advance(now)
        texts = tuple(item.value for item in said if isinstance(item.value, str))
        place = iter(range(len(texts)))
        values = np.array(
            [next(place) if isinstance(item.value, str) else item.value for item in said], dtype=np.float64
        )
        signal = np.array([codes[item.signal] for item in said], dtype=np.int32)
        times = np.array([item.time for item in said], dtype=np.int64)
        parts += assembler.push(make_batch(catalogue, signal, times, values, texts=texts))
        parts += assembler.advance(now)
    return [part for part in parts[:shots] if not part.incomplete]


def test_parts_are_bit_for_bit_those_that_the_gateway_makes_of_the_line(plan: Plan, made: DayOfParts) -> None:
    live = parts_as_said_live(plan, 40)
    mine = {part.unit: part for part in made.parts}
    assert len(live) >= 38
    for part in live:
        assert np.array_equal(part.features, mine[part.unit].features, equal_nan=True)
        assert part.context == mine[part.unit].context


def test_the_same_seed_makes_the_same_day(plan: Plan, made: DayOfParts) -> None:
    again = next(YearCell(plan=plan, seed=21).days((DAY,)))
    assert np.array_equal([p.features for p in made.parts], [p.features for p in again.parts], equal_nan=True)
    assert again.outcomes == made.outcomes


def test_a_shift_has_its_parts_and_inspection_finds_them_late(made: DayOfParts) -> None:
    assert 550 < len(made.parts) <= SHIFT // (44 * SECOND)
    assert all(
        found - part.started >= 36 * MINUTE
        for part in made.parts
        for _, found in [made.outcomes[part.unit, "porosity"]]
    )
    bad = [made.outcomes[part.unit, "porosity"][0] == "nonconforming" for part in made.parts]
    assert np.array_equal(bad, made.truth.bad["porosity"])


def test_faults_are_where_the_calendar_says(made: DayOfParts, plan: Plan) -> None:
    leaking = made.truth.fault[FaultKind.VACUUM_LEAK] > 0.5
    started = np.array([part.started for part in made.parts])
    assert started[leaking].min() >= LEAK.start
    assert started[leaking].max() < LEAK.end
    assert made.truth.bad["porosity"][leaking].mean() > 0.5
    names = list(CycleAssembler(plan, STATION, catalogue_for(plan)).recipe.names)
    stuck = (started > STUCK.start) & (started < STUCK.end - MINUTE)
    moving = np.array([part.features[names.index("die_temperature_moving.mean")] for part in made.parts])
    assert len(set(moving[stuck].round(6))) == 1
    assert 120 < moving[stuck][0] < 230


def test_the_shots_between_seen_days_wear_tip_and_tool(plan: Plan) -> None:
    days = tuple(replace(day, shifts=1, faults=()) for day in season_days(21, Season.SPRING)[:3])
    made = list(YearCell(plan=plan, seed=21).days(days))
    tools = [day.parts[0].context["tool"] for day in made]
    assert len(set(tools)) > 1
    first = [int(day.parts[0].unit.rpartition("-")[2]) for day in made]
    assert all(after - before > 4000 for before, after in itertools.pairwise(first))


def test_the_demo_has_perfect_instruments_and_the_year_ordinary_ones() -> None:
    state = CellState(time=SUMMER, cold=SUMMER - 24 * HOUR)
    perfect = errors_of(Cell(CellConfig(), 5, state).step(50))
    assert np.all(perfect.vacuum == 1.0)
    assert np.all(perfect.clamp == 0.0)
    assert np.all(perfect.fixed == 0.0)
    ordinary = errors_of(Cell(year_config(), 5, state).step(50))
    assert np.all(ordinary.vacuum > 1.0)
    assert np.all(ordinary.clamp != 0.0)


def test_instruments_change_no_part() -> None:
    state = CellState(time=SUMMER)
    with_errors = Cell(year_config(), 5, state).step(300)
    without = Cell(replace(year_config(), instruments=Instruments()), 5, state).step(300)
    assert np.array_equal(with_errors.quality.pores, without.quality.pores)
    assert np.array_equal(with_errors.quality.cold_shut, without.quality.cold_shut)


@pytest.mark.parametrize("cut", [1, 37, 150])
def test_surroundings_do_not_mind_where_blocks_begin(cut: int) -> None:
    whole = Cell(year_config(), 5, CellState(time=SUMMER, cold=SUMMER))
    parted = Cell(year_config(), 5, CellState(time=SUMMER, cold=SUMMER))
    expected = surroundings_of(whole.step(200))
    pieces = [surroundings_of(parted.step(cut)), surroundings_of(parted.step(200 - cut))]
    for name in ("frame", "oil", "moisture"):
        found = np.concatenate([getattr(piece, name) for piece in pieces])
        assert np.allclose(found, getattr(expected, name), rtol=0, atol=1e-9)


def test_oil_is_cold_after_a_stop_and_the_frame_trails_the_hall() -> None:
    block = Cell(year_config(), 5, CellState(time=SUMMER, cold=SUMMER)).step(600)
    around = surroundings_of(block)
    assert around.oil[0] < block.climate.hall[0] + 1.0
    assert around.oil[-1] > 35.0
    assert np.std(around.frame) < np.std(block.climate.hall)


def _column(plan: Plan, day: DayOfParts, feature: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    names = recipe_for(plan, STATION).names
    return np.array([part.features[names.index(feature)] for part in day.parts])


@pytest.mark.parametrize("kind", TroubleKind)
def test_an_instrument_in_trouble_reads_wrongly_and_nothing_happens_to_parts(
    plan: Plan, made: DayOfParts, kind: TroubleKind
) -> None:
    trouble = Trouble(signal="pour_temperature", kind=kind, weeks=range(17, 18), spread=4.0)
    spoiled = next(YearCell(plan=plan, seed=21, troubles=(trouble,)).days((DAY,)))
    true, read = _column(plan, made, "pour_temperature.last"), _column(plan, spoiled, "pour_temperature.last")
    if kind is TroubleKind.STUCK:
        assert len(set(read.tolist())) == 1
    elif kind is TroubleKind.UNIT:
        assert read == pytest.approx(true * 1.8 + 32)
    elif kind is TroubleKind.OFFSET:
        assert read == pytest.approx(true + 16)
    else:
        assert 11 < float(np.std(read - true)) < 13
    assert spoiled.outcomes == made.outcomes
    other = "pour_temperature.last"
    for feature in (name for name in recipe_for(plan, STATION).names if name != other):
        np.testing.assert_array_equal(_column(plan, spoiled, feature), _column(plan, made, feature))


def test_a_change_of_the_cell_holds_from_its_week_on(plan: Plan, made: DayOfParts) -> None:
    usual = year_config()
    taken = replace(usual, die=replace(usual.die, least_biscuit=40.0))
    before = next(YearCell(plan=plan, seed=21, changes={18: taken}).days((DAY,)))
    after = next(YearCell(plan=plan, seed=21, changes={17: taken}).days((DAY,)))
    assert before.outcomes == made.outcomes
    assert after.truth.bad["short_shot"].mean() > 0.9
    # What sensors say of a part knows nothing of it: the features are the same.
    np.testing.assert_array_equal(
        np.stack([part.features for part in after.parts]), np.stack([part.features for part in made.parts])
    )
