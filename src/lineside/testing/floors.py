"""A die-casting line in the middle of its shift, for tests of the board and for its pictures.

`busy_floor` has a station of every condition: an alarm, an advisory about conditions outside experience, one that
learns, one without data, and ordinary ones. Everything follows from the time and a fixed seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import numpy as np

from lineside.adapters.plan_files import PlanFile, PlanFiles
from lineside.apps.plant.floor import Floor, LinkStatus
from lineside.apps.plant.floor.floor import MOST_PARTS
from lineside.domain.alerts import AlertEvent, AlertKind, Verdict
from lineside.domain.features.recipe import recipe_for
from lineside.domain.outcomes import NONCONFORMING, Outcome
from lineside.domain.parts import PartRecord
from lineside.domain.plan.model import Plan, Priority
from lineside.domain.predictions import Contribution, JudgementState, Prediction
from lineside.domain.units import HOUR, MINUTE, SECOND
from lineside.testing.clocks import A_MOMENT

CYCLE: Final = 46 * SECOND
ALERT: Final = "cast/porosity/porosity_cooling/cast-118199"
MODEL: Final = "porosity-3f9c2a71"

_STATIONS: Final = (
    ("cast", "Cast", "Cold-chamber machine 800 t"),
    ("melt", "Melt furnace", "Dosing furnace DF-07"),
    ("trim", "Trim press", "Trim press TP-07"),
    ("quench", "Quench", "Quench tank QT-07"),
    ("xray", "X-ray", "X-ray cabinet XR-01"),
    ("leak_test", "Leak test", "Leak tester LT-02"),
)
_SIGNALS: Final = (
    # id, name, station, unit, role, usual, spread
    ("hall_temperature", "Hall", "cast", "degC", "environment", 33.8, 0.15),
    ("hall_humidity", "Hall humidity", "cast", "%", "environment", 61.0, 0.8),
    ("die_temperature_moving", "Die temperature (moving half)", "cast", "degC", "process", 206.0, 2.4),
    ("die_temperature_fixed", "Die temperature (fixed half)", "cast", "degC", "process", 198.0, 2.2),
    ("cooling_flow", "Cooling water flow", "cast", "l/min", "process", 12.2, 0.25),
    ("fill_time", "Fill time", "cast", "ms", "process", 41.0, 0.7),
    ("intensification", "Intensification pressure", "cast", "bar", "process", 812.0, 6.0),
    ("vacuum", "Vacuum at the end of the slow shot", "cast", "mbar", "process", 71.0, 3.0),
    ("bath_temperature", "Bath temperature", "melt", "degC", "process", 694.0, 2.0),
    ("trim_force", "Trim force", "trim", "kN", "process", 412.0, 5.0),
    ("quench_temperature", "Quench water", "quench", "degC", "process", 28.1, 0.6),
    ("xray_voltage", "Tube voltage", "xray", "kV", "process", 160.0, 0.5),
    ("leak_rate", "Leak rate", "leak_test", "ml/min", "process", 2.4, 0.2),
)
_REACTIONS: Final = (
    {
        "id": "porosity_cooling",
        "name": "Cooling too weak",
        "characteristic": "porosity",
        "signals": ["die_temperature_moving", "cooling_flow"],
        "text": "Porosity likely on the next parts: cooling is too weak for today's hall temperature.",
        "priority": "critical",
        "steps": [
            {"do": "adjust", "text": "Clean filter F3 of the cooling water", "instruction": "WI-0312, step 2"},
            {
                "do": "adjust",
                "text": "Open cooling valve V3 to at least 12 l/min",
                "instruction": "WI-0312, step 4",
                "picture": "valve-v3.png",
                "document": "wi-0312.pdf",
                "measure": {
                    "quantity": "Cooling water flow",
                    "unit": "l/min",
                    "low": 12,
                    "high": 20,
                    "least": 0,
                    "most": 60,
                },
            },
            {"do": "segregate", "text": "Set aside all parts since the last good part"},
            {"do": "inspect", "text": "X-ray the first three parts after the flow is back"},
        ],
        "owner": "operator",
        "within": "10 min",
        "escalation": [{"to": "process engineer", "after": "10 min"}, {"to": "plant manager", "after": "30 min"}],
    },
    {
        "id": "porosity_other",
        "name": "Other cause of porosity",
        "characteristic": "porosity",
        "text": "Porosity likely on the next parts, for a cause that has no reaction of its own.",
        "steps": [{"do": "inspect", "text": "X-ray the next three parts"}],
    },
    {
        "id": "outside_experience",
        "when": "outside_experience",
        "characteristic": "burr",
        "text": "The trim press works in conditions it has not been seen in: hall above 33 °C.",
        "priority": "advisory",
        "steps": [{"do": "inspect", "text": "Look at one part in twenty"}],
    },
)


_SOLUTIONS: Final = ("Clean filter F3 of the cooling water", "Open cooling valve V3 to at least 12 l/min")


def sample_files() -> PlanFiles:
    """Return what the sample plan's steps name: the demo's picture of a valve, and a document without pages."""
    picture = (resources.files("lineside.apps.demo") / "valve-v3.png").read_bytes()
    return PlanFiles(
        files={
            "valve-v3.png": PlanFile(content=picture, media_type="image/png"),
            "wi-0312.pdf": PlanFile(content=b"%PDF-1.4\n%%EOF\n", media_type="application/pdf"),
        }
    )


def sample_plan(**changes: Any) -> Plan:
    """Return the plan of the sample line, with fields changed as given."""
    content = {
        "lineside": 1,
        "site": {"id": "north", "name": "North works"},
        "area": {"id": "foundry"},
        "line": {"id": "dc07", "name": "Die casting DC-07", "timezone": "Europe/Berlin"},
        "part": {"number": "4711", "name": "Gearbox housing"},
        "shifts": [
            {"id": "early", "starts": "06:00"},
            {"id": "late", "starts": "14:00"},
            {"id": "night", "starts": "22:00"},
        ],
        "sources": [{"id": "machine", "kind": "opcua", "url": "opc.tcp://localhost:4840"}],
        "stations": [
            {
                "id": name,
                "name": label,
                "machine": machine,
                "cycle": {"by": "rows"},
                "parts_per_hour": 78,
                "live_within": "2 min",
            }
            for name, label, machine in _STATIONS
        ],
        "signals": [
            {"id": name, "name": label, "station": station, "unit": unit, "role": role, "source": "machine"}
            for name, label, station, unit, role, _, _ in _SIGNALS
        ],
        "envelope": [{"signal": "hall_temperature", "low": 5, "high": 42}],
        "characteristics": [
            {"id": "porosity", "name": "Porosity", "station": "cast"},
            {"id": "burr", "name": "Burr", "station": "trim"},
            {"id": "hardness", "name": "Hardness", "station": "quench"},
            {"id": "inclusion", "name": "Inclusion", "station": "xray"},
            {"id": "leak", "name": "Leak", "station": "leak_test"},
        ],
        "reactions": _REACTIONS,
    }
    return Plan.model_validate({**content, **changes})


def _signals_at(station: str) -> list[tuple[str, str, str, str, str, float, float]]:
    """Return a station's signals and those of the whole line."""
    return [item for item in _SIGNALS if item[2] == station or item[4] == "environment"]


def part_at(
    plan: Plan, station: str, number: int, ended: int, values: Sequence[float] | None = None, recipe: str = ""
) -> PartRecord:
    """Return the part of a number, that ended then; its features are the usual ones unless given."""
    usual = [item[5] for item in _signals_at(station)]
    return PartRecord(
        cycle_id=f"{station}-{number}",
        unit=str(number),
        station=station,
        started=ended - 40 * SECOND,
        ended=ended,
        received=ended + SECOND // 5,
        recipe=recipe or recipe_for(plan, station).digest,
        features=np.array(usual if values is None else values, dtype=np.float64),
        context={"variant": "4711-B", "alloy_lot": "L-2231"},
        readings=1840,
    )


def prediction_of(
    part: PartRecord,
    characteristic: str,
    *,
    score: float = 0.05,
    limit: float = 0.35,
    state: JudgementState = JudgementState.NORMAL,
    reason: str = "",
    contributions: tuple[Contribution, ...] = (),
) -> Prediction:
    """Return the judgement of a part."""
    return Prediction(
        cycle_id=part.cycle_id,
        unit=part.unit,
        station=part.station,
        characteristic=characteristic,
        model=MODEL if characteristic == "porosity" else f"{characteristic}-11aa22bb",
        plan="9d41c7d2a0b35e18",
        started=part.started,
        ended=part.ended,
        received=part.received,
        judged=part.received + SECOND // 100,
        state=state,
        score=score,
        limit=limit,
        risk=score,
        contributions=contributions,
        cause="porosity_cooling" if state is JudgementState.ALARM else "",
        reason=reason,
    )


def alert_event(kind: AlertKind, time: int, **fields: Any) -> AlertEvent:
    """Return an event of the sample alert (or of another, by ``alert_id``), raised at the cast station."""
    alert_id = fields.pop("alert_id", ALERT)
    content = {
        "id": f"{alert_id}#{kind}@{time}",
        "station": "cast",
        "characteristic": "porosity",
        "cause": "porosity_cooling",
        "writer": "gw-1",
        "priority": Priority.CRITICAL,
        "received": time,
    }
    return AlertEvent(alert_id=alert_id, kind=kind, time=time, **{**content, **fields})


def causes_at(die: float = 228.0, flow: float = 7.9) -> tuple[Contribution, ...]:
    """Return what moved the score when cooling is weak."""
    return (
        Contribution("die_temperature_moving", "die_temperature_moving", die, 206.0, 198.0, 214.0, "degC", 0.61),
        Contribution("cooling_flow", "cooling_flow", flow, 12.2, 11.5, 13.0, "l/min", 0.29),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Busy:
    """The busy floor and the moment for which it was made."""

    floor: Floor
    now: int


def busy_floor(now: int = A_MOMENT, *, shown: bool = True, plan: Plan | None = None) -> Busy:
    """Return a floor in the middle of the shift, its alerts shown already or still withheld."""
    plan = plan or sample_plan()
    floor = Floor(plan)
    random = np.random.default_rng(7)
    for station, _, _ in _STATIONS:
        _run(floor, plan, station, now, random)
    _past_alerts(floor, now)
    floor.apply_alerts(_open_alerts(now), shown=shown)
    floor.apply_outcomes(
        Outcome(unit=str(118_000 + n), characteristic="porosity", value=value, found=now - HOUR, source="inspection")
        for n, value in ((1, "conforming"), (2, NONCONFORMING))
    )
    floor.apply_status(
        {
            "machine": LinkStatus(name="machine", ok=True, last_received=now - SECOND // 2, stations=("cast",)),
            "leak tester": LinkStatus(
                name="leak tester",
                ok=False,
                detail="source lost, reconnecting",
                since=now - 2 * MINUTE,
                stations=("leak_test",),
            ),
        }
    )
    return Busy(floor=floor, now=now)


def run_before(floor: Floor, station: str, count: int) -> None:
    """Give a station of a busy floor so many parts more, made before those that it has."""
    ended = floor.parts(station=station, most=MOST_PARTS)[-1].ended
    usual = np.array([item[5] for item in _signals_at(station)])
    floor.apply_parts(
        part_at(floor.plan, station, 117_000 + number, ended - (count - number) * CYCLE, (usual + number % 7).tolist())
        for number in range(count)
    )


def _run(floor: Floor, plan: Plan, station: str, now: int, random: np.random.Generator) -> None:
    """Give a station an hour and a half of parts and their judgements."""
    usual = np.array([item[5] for item in _signals_at(station)])
    spread = np.array([item[6] for item in _signals_at(station)])
    last = now - (2 * MINUTE + 20 * SECOND if station == "leak_test" else 20 * SECOND)
    characteristic = next((item.id for item in plan.characteristics_at(station)), "")
    parts, predictions, recipe = [], [], recipe_for(plan, station).digest
    for back in range(120, -1, -1):
        values = usual + spread * random.normal(size=len(usual))
        score = float(np.clip(0.06 + 0.02 * random.normal(), 0.005, 0.3))
        state, reason = JudgementState.NORMAL, ""
        causes: tuple[Contribution, ...] = ()
        weak = max(0.0, (10 - back) / 10)
        if station == "cast" and weak > 0:
            values[2] += 22 * weak
            values[4] -= 4.3 * weak
            score += 0.75 * weak
            if score > 0.35:
                state, causes = JudgementState.ALARM, causes_at(float(values[2]), float(values[4]))
        if station == "trim" and back < 6:
            state, reason, score = JudgementState.OUTSIDE_EXPERIENCE, "hall above 33 °C", 0.2
        if station == "xray" and back < 8:
            state, reason = JudgementState.WARMING_UP, f"{7 - back} of 10 good parts after changeover"
        part = part_at(plan, station, 118_204 - back, last - back * CYCLE, values.tolist(), recipe)
        parts.append(part)
        if characteristic:
            predictions.append(
                prediction_of(part, characteristic, score=score, state=state, reason=reason, contributions=causes)
            )
    floor.apply_parts(parts)
    floor.apply_predictions(predictions)


def _open_alerts(now: int) -> list[AlertEvent]:
    last = now - 20 * SECOND
    causes = causes_at()
    text = "Porosity likely on the next parts: cooling is too weak for today's hall temperature."
    first = {"text": text, "score": 0.41, "limit": 0.35, "risk": 0.62, "contributions": causes, "model": MODEL}
    seen = {"score": 0.81, "limit": 0.35, "risk": 0.81, "contributions": causes}
    return [
        alert_event(AlertKind.RAISED, last - 4 * CYCLE, unit="118200", cycle_id="cast-118200", plan="9d41c7d2a0b35e18",
                    suspects=("118199", "118200"), **first),
        *(
            alert_event(AlertKind.UPDATED, last - (4 - n) * CYCLE, unit=str(118_200 + n),
                        cycle_id=f"cast-{118_200 + n}", suspects=(str(118_200 + n),), **seen)
            for n in range(1, 5)
        ),
        alert_event(AlertKind.RAISED, now - 4 * MINUTE, alert_id="trim/burr/outside_experience/trim-118199",
                    station="trim", characteristic="burr", cause="outside_experience", priority=Priority.ADVISORY,
                    text="The trim press works in conditions it has not been seen in: hall above 33 °C.",
                    unit="118199", cycle_id="trim-118199", suspects=("118199",), score=0.2, limit=0.35),
    ]  # fmt: skip


def _past_alerts(floor: Floor, now: int) -> None:
    """Give the floor twenty earlier alerts, seventeen of them confirmed, and two that nobody checked."""
    for number in range(22):
        time = now - (number + 1) * 9 * HOUR
        verdict = Verdict.CONFIRMED if number < 17 else Verdict.NO_DEFECT if number < 20 else Verdict.NOT_CHECKED
        name = f"cast/porosity/porosity_cooling/cast-{90_000 - number}"
        raised = alert_event(
            AlertKind.RAISED, time, alert_id=name, unit=str(90_000 - number), text="Porosity likely on the next parts."
        )
        closed = alert_event(
            AlertKind.CLOSED, time + 20 * MINUTE, alert_id=name, verdict=verdict, by="operator K7QM2P",
            cause_code="porosity_cooling" if verdict is Verdict.CONFIRMED else "looked_good",
        )  # fmt: skip
        step = alert_event(
            AlertKind.STEP, time + 5 * MINUTE, alert_id=name, step=2 if number % 3 else 1, by="operator K7QM2P",
            text=_SOLUTIONS[bool(number % 3)],
        )  # fmt: skip
        over = alert_event(AlertKind.CLEARED, time + 9 * MINUTE, alert_id=name)
        floor.apply_alerts([raised, step, over, closed], shown=True)
