"""How the board says numbers, times and states: short, in the trade's words, never with false precision."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from lineside.apps.plant.floor.views import Card, Condition, Trust
from lineside.apps.web.language import lazily, plan_text, tr, word
from lineside.apps.web.words import (
    age,
    clock_time,
    date_time,
    exactly,
    number,
    percent,
    quantity,
    recorded,
    sentence,
    span,
    unit_name,
    when,
)
from lineside.domain.errors import LinesideError
from lineside.domain.nuisance import Grounds, Notice
from lineside.domain.said import Said

_LIKELIHOOD: Final = (
    (0.9, word("very likely")),
    (0.66, word("likely")),
    (0.4, word("about even")),
    (0.1, word("unlikely")),
)

__all__ = [
    "age",
    "clock_time",
    "date_time",
    "exactly",
    "number",
    "percent",
    "quantity",
    "recorded",
    "sentence",
    "span",
    "unit_name",
    "when",
]

CONDITIONS: Final = lazily(
    {
        Condition.ALARM: word("likely"),
        Condition.ADVISORY: word("advisory"),
        Condition.CONTAINMENT: word("hold back: judged late"),
        Condition.OUTSIDE_EXPERIENCE: word("outside experience"),
        Condition.BAD_DATA: word("data not good enough to judge"),
        Condition.NO_DATA: word("no data"),
        Condition.RETURNED: word("back to normal, wants an answer"),
        Condition.LEARNING: word("learning"),
        Condition.NOT_JUDGED: word("not judged"),
        Condition.NORMAL: word("normal"),
    }
)
LEVELS: Final = (
    word("latency"), word("availability"), word("recall"), word("false alarms"),
    word("adoption"), word("cost per part"),
    word("met"), word("missed"), word("insufficient evidence"),
    word("recall, held out"), word("recall, in service"), word("performance loss"), word("false alarms a shift"),
    word("sensor to alert, 99th percentile"), word("rule coverage"), word("against the champion"),
    word("better"), word("not worse"), word("worse"), word("undecided"), word("no truth"),
)  # fmt: skip
"""Service levels and what their measurement amounts to, as the domain names them."""
SPANS: Final = (word("shift"), word("day"), word("week"), word("month"), word("year"))
"""Stretches of time that pages show."""
SENSOR_FAULTS: Final = (
    word("dead"), word("stuck"), word("saturated"), word("in another unit"), word("noisy"), word("drifting"),
    word("miscalibrated"), word("process changed"),
)  # fmt: skip
"""What may be wrong with a sensor, as the domain names it."""
VERDICTS: Final = lazily(
    {"defect_confirmed": word("defect confirmed"), "no_defect": word("no defect"), "not_checked": word("not checked")}
)
_ONLY: Final = {
    "advise": word("advice only: right {share} of the time here"),
    "log": word("logged only: right {share} of the time here"),
}
PRIORITY_MARKS: Final = {"critical": "1", "high": "2", "advisory": "i"}


PRIORITIES: Final = lazily({"critical": word("Critical"), "high": word("High"), "advisory": word("Advisory")})
STATES: Final = lazily(
    {
        "normal": word("normal"),
        "alarm": word("above limit"),
        "outside_experience": word("outside experience"),
        "warming_up": word("learning"),
        "bad_data": word("data not good enough"),
        "": word("not judged"),
    }
)
SCRIPT_COUNT: Final = Markup("<b data-count></b>")
OFFLINE_AGE: Final = Markup("<span data-offline></span>")
_SAID: Final = frozenset(
    {
        *(word("raised"), word("updated"), word("cleared"), word("acknowledged"), word("taken"), word("help")),
        *(word("shelved"), word("unshelved"), word("out of service"), word("in service"), word("step"), word("closed")),
        *(word("unacknowledged"), word("returned"), word("latched"), word("suppressed"), word("normal")),
        *(word("operator"), word("engineer"), word("admin")),
        *(word("conforming"), word("nonconforming"), word("draft"), word("shadow"), word("canary")),
        *(word("champion"), word("retired"), word("looked good"), word("changeover"), word("sensor")),
        *(word("known work"), word("other"), word("warm up"), word("planned stop"), word("maintenance")),
        *(word("new lot"), word("sensor fault"), word("healthy"), word("link"), word("source"), word("disk")),
        *(word("drafted"), word("shadowed"), word("approved"), word("canaried"), word("crowned"), word("superseded")),
        *(
            word("stepped back"),
            word("rolled back"),
            word("called back"),
            word("reopened"),
            word("found"),
            word("proposed"),
            word("in force"),
            word("withdrawn"),
            word("enforced"),
        ),
        *(word("met"), word("missed"), word("insufficient evidence")),
        *(word("good"), word("uncertain"), word("bad"), word("starting"), word("connected"), word("degraded")),
        *(word("silent"), word("lost"), word("stopped"), word("steady"), word("stepped"), word("skewed")),
        *(word("refused"), word("buffer"), word("record"), word("load")),
        *(word("clock"), word("model"), word("signal"), word("station"), word("outbox")),
        *(word("waiting"), word("judging"), word("unjudged"), word("ready"), word("filling"), word("full")),
        *(word("unrecorded"), word("slow"), word("low"), word("none"), word("behind"), word("shedding")),
        *(word("agreed"), word("different"), word("kept"), word("not signed")),
        *(word("family"), word("why"), word("metrics"), word("validated"), word("parts"), word("limit")),
        *(word("false alarm rate"), word("plan revision"), word("plan"), word("data"), word("code")),
        *(word("offer"), word("fallback")),
        *(word("what"), word("where"), word("when"), word("until"), word("how found"), word("how many"), word("score")),
        *(word("is unusual"), word("verdict"), word("hold back"), word("since"), word("planned"), word("done")),
    }
)
"""Names out of records, as they are said."""


def said(name: str) -> str:
    """Return the name of a kind, a state or a role in the spoken language; the name itself where it is not known."""
    words = str(name or "").replace("_", " ")
    return tr(words) if words in _SAID else words


def in_plots(text: str) -> str:
    """Return a text of a drawing in the spoken language: a sentence of ours, or a text of the plan."""
    return sentence(text) if isinstance(text, Said) else plan_text(text)


FIELDS: Final = lazily(
    {
        "cause_code": word("Cause"),
        "kind": word("Answer"),
        "minutes": word("How long"),
        "name": word("Name"),
        "note": word("Why"),
        "password": word("Password"),
        "role": word("Role"),
        "share": word("Percent of the parts"),
        "step": word("Step"),
        "value": word("Value"),
        "verdict": word("Result"),
    }
)
"""The fields of forms that an error names, as their labels do."""


def told(text: str) -> str:
    """Return a sentence, or a text of the catalogue, in the spoken language."""
    return sentence(text) if isinstance(text, Said) else tr(text)


def refusal(error: LinesideError) -> str:
    """Return in the spoken language what is wrong with what somebody gave, and what to do next."""
    problem = told(error.problem)
    said = f"{FIELDS[error.field]}: {problem}" if error.field in FIELDS else capitalised(problem)
    return f"{said}. {capitalised(told(error.next_step))}." if error.next_step else said


def strong(text: str) -> Markup:
    """Return a text that stands out."""
    return Markup("<b>{}</b>").format(text)


def script_words() -> dict[str, str]:
    """Return what the pages' script says by itself, in the spoken language."""
    return {
        "old": tr("data {age} old"),
        "s": tr("{n} s"),
        "min": tr("{n} min"),
        "h": tr("{n} h"),
        "d": tr("{n} d"),
        "seen": tr("Seen"),
    }


def likelihood(risk: float | None) -> str:
    """Return a probability in words and per cent."""
    if risk is None:
        return tr("unusual; how likely is not known yet")
    words = next((name for least, name in _LIKELIHOOD if risk >= least), word("very unlikely"))
    return f"{tr(words)} ({percent(risk)})"


def trust_words(trust: Trust) -> str:
    """Return how alerts of this kind turned out: 'confirmed 17 of the last 20 here, 3 not checked'."""
    if not trust.checked:
        words = tr("none checked here yet")
    else:
        words = tr("confirmed {right} of the last {n} here", right=trust.confirmed, n=trust.checked)
    return words + (tr(", {n} not checked", n=trust.unconfirmed) if trust.unconfirmed else "")


def capitalised(text: str) -> str:
    """Return a text with a capital at its beginning; what follows stays, since German nouns have theirs."""
    return text[:1].upper() + text[1:]


def notice_words(card: Card) -> str:
    """Return why an alert does not interrupt, empty where it does or where its kind says so already."""
    if card.grounds is Grounds.BUDGET:
        return " · " + tr("advice: the interruptions of this shift are used up")
    if card.grounds is Grounds.RECORD and card.notice is not Notice.INTERRUPT:
        return " · " + tr(_ONLY[card.notice.value], share=percent(card.expected_value))
    return ""


def serials(units: Sequence[str]) -> str:
    """Return unit names in short: runs of consecutive numbers as first to last."""
    runs: list[list[str]] = []
    for unit in sorted(units, key=_natural):
        if runs and _follows(runs[-1][-1], unit):
            runs[-1].append(unit)
        else:
            runs.append([unit])
    return ", ".join(_run(run) for run in runs)


def _run(run: list[str]) -> str:
    if len(run) < 3:
        return ", ".join(run)
    return f"{run[0]} \N{EN DASH} {run[-1]}"


def _natural(unit: str) -> tuple[str, int, str]:
    match = re.fullmatch(r"(.*?)(\d{1,18})", unit)
    return (unit, -1, unit) if match is None else (match[1], int(match[2]), unit)


def _follows(earlier: str, later: str) -> bool:
    first, second = _natural(earlier), _natural(later)
    return first[1] >= 0 and first[0] == second[0] and second[1] == first[1] + 1
