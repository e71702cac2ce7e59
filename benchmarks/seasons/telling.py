"""The figures of a year with events: for each event what it was called and when, and how the models did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lineside.domain.performance.report import NO_TRUTH
from seasons.events import CHANGED, SILENT

Seed = Mapping[str, Any]


def told(seed: Seed) -> dict[str, Any]:
    """Return the figures of one seed."""
    shifts, counts = seed["shifts"], seed["counts"]
    learned = {job["result"] for job in seed["jobs"] if job["week"] >= CHANGED}
    steps = [item for item in seed["steps"] if item["release"] in learned]
    crowned = next((item for item in steps if item["step"] == "crowned"), {"week": None, "conceded": ()})
    new = crowned["week"]
    after = [item for item in counts if item["week"] >= CHANGED]
    return {
        "seed": seed["seed"],
        "seconds": seed["seconds"],
        "troubles": [_trouble(shifts, *item) for item in seed["troubles"]],
        "false_sensors": _false_sensors(shifts, seed["troubles"]),
        "silence": _delay(shifts, SILENT.start, lambda item: NO_TRUTH in item["damage"]),
        "silence_over": _delay(shifts, SILENT.stop, lambda item: NO_TRUTH not in item["damage"]),
        "false_silences": sum(NO_TRUTH in item["damage"] and item["week"] not in SILENT for item in shifts)
        - _lag(shifts, SILENT.stop),
        "loss": _delay(shifts, CHANGED, lambda item: "performance loss" in item["damage"]),
        "false_losses": len(
            {item["week"] for item in shifts if "performance loss" in item["damage"] and item["week"] < CHANGED}
        ),
        "trainings_before": [job for job in seed["jobs"][1:] if job["week"] < CHANGED],
        "trainings_after": [job for job in seed["jobs"] if job["week"] >= CHANGED],
        "canaried": next((item["week"] for item in steps if item["step"] == "canaried"), None),
        "crowned": new,
        "conceded": list(crowned["conceded"]),
        "before": _share(item for item in counts if item["week"] < CHANGED),
        "until_new": _share(item for item in after if new is None or item["week"] < new),
        "since_new": _share(item for item in after if new is not None and item["week"] >= new),
        "first_since_new": _share((item for item in after if new is not None and item["week"] >= new), "first_"),
        "refused": seed["refused"],
    }


def _trouble(shifts: Sequence[Mapping[str, Any]], signal: str, kind: str, week: int) -> dict[str, Any]:
    """Return after how many shifts a trouble was named rightly, and what else was said of sensors meanwhile."""
    during = [item for item in shifts if item["week"] == week]
    rightly = _delay(shifts, week, lambda item: [signal, kind] in item["sensors"], until=week + 1)
    others = sorted({f"{name or 'process'} {fault}" for item in during for name, fault in item["sensors"]})
    return {"signal": signal, "kind": kind, "week": week, "named": rightly, "said": others}


def _delay(shifts: Sequence[Mapping[str, Any]], week: int, holds: Any, until: int | None = None) -> int | None:
    """Return at the end of which shift from a week on something holds (1: the first one); None: never."""
    later = [item for item in shifts if item["week"] >= week and (until is None or item["week"] < until)]
    return next((place for place, item in enumerate(later, start=1) if holds(item)), None)


def _lag(shifts: Sequence[Mapping[str, Any]], week: int) -> int:
    """Return the shifts from a week on in which silence was still said."""
    found = _delay(shifts, week, lambda item: NO_TRUTH not in item["damage"])
    return 0 if found is None else found - 1


def _false_sensors(shifts: Sequence[Mapping[str, Any]], troubles: Iterable[Sequence[Any]]) -> list[str]:
    """Return what was said of sensors that nothing was wrong with: signal, fault, and in how many shifts.

    The week after a trouble is its too, since the window of the watch still holds parts of it.
    """
    near = {week + more for _, _, week in troubles for more in (0, 1)}
    counts: dict[str, int] = {}
    for item in shifts:
        for signal, fault in item["sensors"]:
            if signal and item["week"] not in near:
                counts[f"{signal} {fault}"] = counts.get(f"{signal} {fault}", 0) + 1
    return [f"{name} ({count} shifts)" for name, count in sorted(counts.items())]


def _share(counts: Iterable[Mapping[str, int]], whose: str = "") -> dict[str, float | int]:
    chosen = list(counts)
    bad = sum(item["bad"] for item in chosen)
    found = sum(item[f"{whose}found"] for item in chosen)
    false = sum(item[f"{whose}false"] for item in chosen)
    alerts = sum(item["false_alerts"] for item in chosen)
    return {"shifts": len(chosen), "bad": bad, "found": found, "false": false, "false_alerts": alerts}


def as_markdown(about: Mapping[str, Any], seeds: Sequence[Mapping[str, Any]]) -> str:
    """Return the figures of all seeds as tables."""
    lines = [
        f"{about['date']}; commit {about['commit']}; {about['machine']}.",
        "",
        "| event | expected | " + " | ".join(f"seed {item['seed']}" for item in seeds) + " |",
        "| --- | --- |" + " --- |" * len(seeds),
    ]
    rows = [*_event_rows(seeds), *_model_rows(seeds)]
    return "\n".join([*lines, *(_row(name, want, cells) for name, want, cells in rows), ""])


def _event_rows(seeds: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, list[str]]]:
    troubles = range(len(seeds[0]["troubles"]))
    return [
        *(
            (
                f"instrument in trouble, week {seeds[0]['troubles'][place]['week']}",
                "named within a day",
                [_named(item["troubles"][place]) for item in seeds],
            )
            for place in troubles
        ),
        ("sound instruments named", "none", [", ".join(item["false_sensors"]) or "none" for item in seeds]),
        ("inspection silent, week 29", "named within a day", [_shifts(item["silence"]) for item in seeds]),
        ("inspection back, week 31", "over within a day", [_shifts(item["silence_over"]) for item in seeds]),
        ("silence where there was none", "0 shifts", [_text(item["false_silences"]) for item in seeds]),
        (f"the die changed, week {CHANGED}", "loss named within two days", [_shifts(item["loss"]) for item in seeds]),
        ("losses before", "0 weeks", [_text(item["false_losses"]) for item in seeds]),
        ("trainings before", "for new conditions only", [_trainings(item["trainings_before"]) for item in seeds]),
    ]


def _model_rows(seeds: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, list[str]]]:
    return [
        ("trainings after", "from what was made since", [_trainings(item["trainings_after"]) for item in seeds]),
        ("canary", "after its report said ready", [_week(item["canaried"]) for item in seeds]),
        ("champion", "after its report said ready", [_champion(item) for item in seeds]),
        ("recall before the change", "", [_recall(item["before"]) for item in seeds]),
        ("recall from the change to the new champion", "", [_recall(item["until_new"]) for item in seeds]),
        ("recall since", "recovered", [_recall(item["since_new"]) for item in seeds]),
        ("recall since, had nothing been learned", "", [_recall(item["first_since_new"]) for item in seeds]),
        ("false alerts a shift before, between, since", "<= 2", [_false(item, "false_alerts") for item in seeds]),
        ("good parts in alarm a shift before, between, since", "", [_false(item, "false") for item in seeds]),
        ("seconds", "", [f"{item['seconds']:.0f}" for item in seeds]),
    ]


def _row(name: str, want: str, cells: Sequence[str]) -> str:
    return f"| {name} | {want} | {' | '.join(cells)} |"


def _text(value: object) -> str:
    return str(value)


def _shifts(count: int | None) -> str:
    return "never" if count is None else f"at the end of shift {count}"


def _week(week: float | None) -> str:
    return "never" if week is None else f"week {week:.1f}"


def _champion(item: Mapping[str, Any]) -> str:
    by_concession = f", by concession ({', '.join(item['conceded'])} let off)" if item["conceded"] else ""
    return f"{_week(item['crowned'])}{by_concession}"


def _named(item: Mapping[str, Any]) -> str:
    if item["named"] is not None:
        return f"{item['signal']} {item['kind']}: {_shifts(item['named'])}"
    return f"{item['signal']} {item['kind']}: not so; said was {', '.join(item['said']) or 'nothing'}"


def _trainings(jobs: Sequence[Mapping[str, Any]]) -> str:
    said = [
        f"week {job['week']}: {job['reason']}"
        + (f", from week {job['since']:.1f} on" if job["since"] else "")
        + f" ({job['state']}, {job['seconds']:.0f} s of processor)"
        for job in jobs
    ]
    return "; ".join(said) or "none"


def _recall(counts: Mapping[str, int]) -> str:
    return f"{counts['found'] / counts['bad']:.2f} of {counts['bad']}" if counts["bad"] else "-"


def _false(item: Mapping[str, Any], what: str) -> str:
    spans = (item["before"], item["until_new"], item["since_new"])
    return ", ".join(f"{span[what] / span['shifts']:.1f}" if span["shifts"] else "-" for span in spans)
