"""Every kind of mistake in a plan is named by line, code and what to do about it."""

# ruff: noqa: E501 (a case is a row of a table, and is read as one line)

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from lineside.adapters.plan_yaml import check_text
from lineside.domain.plan.findings import Severity
from lineside.domain.plan.lint import CODES

GOOD = (Path(__file__).parents[1] / "plans" / "casting.yaml").read_text()


@dataclass(frozen=True)
class Mistake:
    """The good plan with ``old`` replaced by ``new``; the finding stands on the line that holds ``line``."""

    code: str
    old: str
    new: str
    says: str
    line: str

    def __str__(self) -> str:
        return f"{self.code}: {self.new[:40]!r}"


FORM = [
    Mistake(
        "unknown-field",
        "    parts_per_hour: 40",
        "    parts_per_hours: 40",
        "did you mean 'parts_per_hour'?",
        "parts_per_hours",
    ),
    Mistake(
        "unknown-field",
        "      signal: cycle_on",
        "      signal: cycle_on\n      signl: x",
        "stations[0] 'cast' . cycle . signl",
        "signl",
    ),
    Mistake(
        "missing",
        "      signal: cycle_on\n",
        "",
        "stations[0] 'cast' . cycle . signal: is missing",
        "    cycle:\n",
    ),
    Mistake("missing", "  number: 4711-0815\n", "", "part . number: is missing", "part:"),
    Mistake(
        "missing",
        "{by: window, length: 10 s}",
        "{length: 10 s}",
        "valid: rows, serial, trigger, window",
        "{length: 10 s}",
    ),
    Mistake("value-union-tag-invalid", "by: window", "by: windows", "did you mean 'window'?", "windows"),
    Mistake("value-union-tag-invalid", "    kind: opcua", "    kind: opc", "did you mean 'opcua'?", "kind: opc"),
    Mistake("unknown-field", "    kind: mqtt\n", "    kind: files\n", "valid: id, name, kind", "url: mqtt"),
    Mistake("value-enum", "role: environment", "role: weather", "valid: process, environment", "role: weather"),
    Mistake("value-literal-error", "lineside: 1", "lineside: 2", "valid: 1", "lineside: 2"),
    Mistake(
        "value-string-type",
        "classes: [good, gas, shrinkage]",
        "classes: [good, gas, 3]",
        'put it in quotes: "3"',
        "gas, 3]",
    ),
    Mistake("value-int-parsing", "revision: {number: 3", "revision: {number: three", "must be a whole number", "three"),
    Mistake("value-int-from-float", "revision: {number: 3", "revision: {number: 3.5", "must be a whole number", "3.5"),
    Mistake("value-float-parsing", "range: [0, 450]", "range: [0, hot]", "must be a number", "hot"),
    Mistake("value-finite-number", "range: [0, 450]", "range: [0, .inf]", "must be a finite number", ".inf"),
    Mistake("value-finite-number", "range: [0, 450]", "range: [0, 1e400]", "must be a finite number", "1e400"),
    Mistake("missing", "range: [0, 450]", "range: [0]", "is missing", "range: [0]"),
    Mistake("value-too-long", "range: [0, 450]", "range: [0, 1, 2]", "may have at most 2", "range: [0, 1, 2]"),
    Mistake("value-tuple-type", "    signals: [vacuum]", "    signals: vacuum", "must be a list", "signals: vacuum"),
    Mistake(
        "value-model-type",
        "line: {id: dc3, name: Die casting 3, timezone: Europe/Berlin}",
        "line: dc3",
        "must be a block",
        "line: dc3",
    ),
    Mistake(
        "value-dict-type",
        "phase_features: {fill: [max, mean], hold: [mean]}",
        "phase_features: [max]",
        "must be a block",
        "phase_features",
    ),
    Mistake(
        "value-string-pattern-mismatch", "  - id: vacuum\n", "  - id: Vacuum 1\n", "lower case, digits, '_'", "Vacuum 1"
    ),
    Mistake("value-string-pattern-mismatch", "features: [min, p95", "features: [minimum, p95", "percentile", "minimum"),
    Mistake(
        "value-string-too-short",
        "    text: The casting is likely to be porous.",
        '    text: ""',
        "must not be empty",
        'text: ""',
    ),
    Mistake("value-string-too-long", "The casting is likely to be porous.", "x" * 501, "longer than 500", "xxx"),
    Mistake("value-greater-than", "parts_per_hour: 40", "parts_per_hour: 0", "greater than 0", "parts_per_hour: 0"),
    Mistake("value-greater-than-equal", "{escape: 250", "{escape: -1", "at least 0", "escape: -1"),
    Mistake("value-less-than", "false_alarm_rate: 0.01,", "false_alarm_rate: 0.5,", "less than 0.5", "0.5,"),
    Mistake("value-less-than-equal", 'starts: "06:00", hours: 8', 'starts: "06:00", hours: 25', "at most 24", "25"),
    Mistake(
        "value-too-short",
        "    steps:\n      - {do: inspect, text: X-ray the part.}",
        "    steps: []",
        "needs at least 1",
        "steps: []",
    ),
    Mistake("value-value-error", "lateness: 500 ms", "lateness: 500", "a duration needs a unit", "lateness: 500"),
    Mistake("value-value-error", "lateness: 500 ms", "lateness: soon", "not a duration", "soon"),
    Mistake("value-greater-than", "length: 10 s", "length: 0 s", "greater than 0", "length: 0 s"),
    Mistake("yaml", "number: CP-0107", "number: CP-0107\nnumber: CP-0108", "written twice; first on line 2", "CP-0108"),
    Mistake("yaml", "number: CP-0107", "number: !!python/object/apply:os.system [ls]", "tags such as", "!!python"),
    Mistake("yaml", "number: CP-0107", "number: !secret x", "tags such as", "!secret"),
    Mistake("yaml", "part:\n", "part: &p\n  <<: *p\n", "merge keys", "<<"),
    Mistake("yaml", "number: CP-0107", "number: &a [*a]", "contains itself", "&a"),
    Mistake("yaml", "number: CP-0107", "number: *nowhere", "undefined alias", "*nowhere"),
    Mistake("yaml", "  name: Oil pump housing", "\tname: Oil pump housing", "spaces, not tabs", "\tname"),
    Mistake("yaml", "  name: Oil pump housing", "  name: Oil: pump", "mapping values are not allowed", "Oil: pump"),
    Mistake("yaml", "number: CP-0107", "? [a, b]\n: x", "a key must be a name", "? [a, b]"),
    Mistake("yaml", "number: CP-0107", "number: CP-0107\n...\n---\na: 1", "single document", "---"),
    Mistake("yaml", "revision: {number: 3", "revision: {number: " + "9" * 5000, "not a number that can be used", "999"),
]

SENSE = [
    Mistake("duplicate-id", "  - id: vacuum\n", "  - id: die_temp\n", "already that of signals[4]", "  - id: die_temp\n    station: cast\n    source: machine\n    address: ns=2;s=Vacuum"),
    Mistake("duplicate-id", "{id: hold,", "{id: fill,", "already that of phases[0]", "{id: fill, signal"),
    Mistake("unknown-name", "    source: climate", "    source: climat", "did you mean 'climate'?", "climat\n"),
    Mistake("unknown-name", "  - {id: phase, station: cast", "  - {id: phase, station: cats", "no such station", "cats"),
    Mistake("unknown-name", "      signal: cycle_on", "      signal: cycle_om", "stations[0] 'cast' . cycle . signal: no such signal (found 'cycle_om')", "cycle_om"),
    Mistake("unknown-name", "      counter: shot", "      counter: shots", "no such signal", "shots"),
    Mistake("unknown-name", "    serial: serial", "    serial: serials", "no such signal", "serials"),
    Mistake("unknown-name", "signal: phase, equals", "signal: phases, equals", "no such signal", "phases, equals"),
    Mistake("unknown-name", "phase_features: {fill:", "phase_features: {fil:", "no such phase of 'cast'", "{fil:"),
    Mistake("unknown-name", "  - {signal: hall_temp, low", "  - {signal: hall, low", "no such signal", "signal: hall,"),
    Mistake("unknown-name", "exclude: [shot]", "exclude: [shoot]", "did you mean 'shot'?", "shoot"),
    Mistake("unknown-name", "    station: cast\n    kind: variable", "    station: casting\n    kind: variable", "did you mean 'cast'?", "casting\n"),
    Mistake("unknown-name", "    characteristic: weight\n    text: The casting will", "    characteristic: wait\n    text: The casting will", "no such characteristic", "wait"),
    Mistake("unknown-name", "    signals: [vacuum]", "    signals: [vakuum]", "no such signal", "vakuum"),
    Mistake("unknown-name", "    signals: [vacuum]", "    signals: [vacuum]\n    classes: [gass]", "did you mean 'gas'?", "gass"),
    Mistake("unknown-name", "  retention: 365 d", "  retention: 365 d\n  classes: {op: personal}", "no such signal", "op: personal"),
    Mistake("wrong-station", "    serial: serial", "    serial: trim_force", "belongs to station 'trim'", "serial: trim_force"),
    Mistake("wrong-station", "    signals: [vacuum]", "    signals: [trim_force]", "cannot cause an alert at 'cast'", "[trim_force]"),
    Mistake("no-signals", "    unit: kN", "    unit: kN\n    role: context", "no number signals with the role 'process'", "  - id: trim\n"),
    Mistake("phase-bounds", "until: 2 s", "until: 0 s", "not after its start", "until: 0 s"),
    Mistake("phase-bounds", "until: 2 s", "until: 4 min", "a cycle lasts at most 3 min", "until: 4 min"),
    Mistake("phase-form", "signal: phase, equals: 2", "signal: phase", "without 'equals'", "signal: phase}"),
    Mistake("phase-form", "signal: phase, equals: 2", "signal: phase, equals: 2, after: 1 s", "at once", "after: 1 s"),
    Mistake("phase-unused", "    cycle: {by: window, length: 10 s}", "    cycle: {by: rows}\n    phases: [{id: a}]", "have no phases", "phases: [{id: a}]"),
    Mistake("phase-unused", "    cycle: {by: window, length: 10 s}", "    cycle: {by: rows}", "the column is the feature", "  - id: trim_force"),
    Mistake("trigger-type", "      counter: shot", "      counter: serial", "is text; edges need a number", "counter: serial"),
    Mistake("trigger-role", "s=Cycle, role: trigger", "s=Cycle, role: context", "would be judged as well", "signal: cycle_on"),
    Mistake("lateness", "live_within: 60 s", "live_within: 100 ms", "live only within 100 ms", "lateness: 500 ms"),
    Mistake("window-rate", "    rate: 10", "    rate: 0.01", "lengthen the window", "rate: 0.01"),
    Mistake("range-order", "range: [0, 450]", "range: [450, 0]", "not below the high end", "[450, 0]"),
    Mistake("range-order", "low: 5, high: 42", "low: 42, high: 5", "not below the high end", "low: 42"),
    Mistake("setting-order", "low: 180, nominal: 200", "low: 210, nominal: 200", "not in ascending order", "low: 210"),
    Mistake("setting-order", "nominal: 200, high: 220", "nominal: 200, high: 500", "outside the plausible range", "high: 500"),
    Mistake("text-signal", "role: context, type: text", "role: process, type: text", "make it 'context'", "role: process, type"),
    Mistake("text-signal", "role: context, type: text", "role: context, type: text, range: [0, 1]", "neither a range nor features", "range: [0, 1]"),
    Mistake("same-address", "address: ns=2;s=Vacuum", "address: ns=2;s=Die.Temp", "'die_temp' reads the same address", "Die.Temp\n    unit: mbar"),
    Mistake("no-address", "    address: ns=2;s=Vacuum\n", "", "needs a node id", "  - id: vacuum\n"),
    Mistake("register", "    register: {kind: input, number: 104, type: float32, order: CDAB}\n", "", "needs a register", "  - id: water_flow"),
    Mistake("register", "    unit: mbar", "    unit: mbar\n    register: {number: 1}", "means nothing to a source of kind 'opcua'", "register: {number: 1}"),
    Mistake("register", "kind: input, number", "kind: coil, number", "a coil holds one bit", "kind: coil"),
    Mistake("register", "type: float32", "type: text", "the signal is number, the register text", "type: text"),
    Mistake("register", "type: float32", "type: bits, bit: 12, length: 5", "a register has 16 bits", "length: 5"),
    Mistake("register", "type: float32", "type: float32, scale: 0", "every value would be the offset", "scale: 0"),
    Mistake("register", "number: 104", "number: 65535", "beyond the 65536 of a table", "number: 65535"),
    Mistake("register", "number: 104", "number: 0, base: 1", "beyond the 65536 of a table, counted from 1", "number: 0"),
    Mistake("register-notation", "number: 104", "number: 30105", "write number: 105 with base: 1", "number: 30105"),
    Mistake("register-order", "    range: [0, 80]\n", "", "a wrong word order cannot be noticed", "    register: {kind"),
    Mistake("guessed", "    unit: mbar", "    unit: mbar\n    guessed: [unit]", "1 signals have guessed fields: vacuum", "signals:\n  - {id: cycle_on"),
    Mistake("envelope-missing", "  - {signal: hall_temp, low: 5, high: 42}", "  - {signal: die_temp, low: 5, high: 42}", "a condition without an envelope", "  - id: hall_temp"),
    Mistake("envelope-range", "high: 42}", "high: 90}", "beyond the signal's plausible range", "high: 90"),
    Mistake("duplicate-id", "high: 42}", "high: 42}\n  - {signal: hall_temp, low: 6, high: 40}", "has an envelope already", "low: 6"),
    Mistake("source-address", "url: opc.tcp://127", "url: http://127", "valid: opc.tcp://", "http://"),
    Mistake("source-security", "security: Aes256_Sha256_RsaPss", "security: none", "write 'laboratory: true' beside it", "security: none"),
    Mistake("source-security", "    security: Aes256_Sha256_RsaPss", "    security: Aes256_Sha256_RsaPss\n    laboratory: true", "says nothing beside a policy", "security: Aes256"),
    Mistake("source-security", "    url: opc.tcp://127.0.0.1:4840\n    security: Aes256_Sha256_RsaPss", "    url: opc.tcp://10.0.0.9:4840\n    security: none\n    laboratory: true", "beyond this computer without security", "security: none"),
    Mistake("source-secret", "    kind: mqtt\n", "    kind: mqtt\n    secret: pa$$word!\n", "only its NAME here", "secret:"),
    Mistake("source-secret", "    kind: mqtt\n", "    kind: mqtt\n    username: line\n", "a user without", "username:"),
    Mistake("source-unused", "  - id: climate\n", "  - {id: spare, kind: files, path: spare.csv}\n  - id: climate\n", "no signal comes", "spare"),
    Mistake("time-zone", "Europe/Berlin", "Europe/Berlyn", "did you mean 'Europe/Berlin'?", "Berlyn"),
    Mistake("date", "2026-10-01", "2026-02-30", "no such day", "2026-02-30"),
    Mistake("no-specification", "    specification: {lsl: 2.10, nominal: 2.15, usl: 2.20, unit: kg}\n", "", "needs 'specification'", "  - id: weight\n"),
    Mistake("specification-order", "lsl: 2.10", "lsl: 2.30", "not ascending", "lsl: 2.30"),
    Mistake("specification-unit", "usl: 2.20, unit: kg", "usl: 2.20", "no unit", "usl: 2.20"),
    Mistake("specification-unit", "column: weight_kg", "column: shot", "has the unit ''", "usl: 2.20"),
    Mistake("specification-unused", "    classes: [good, gas, shrinkage]\n    nonconforming: [gas, shrinkage]\n", "    specification: {usl: 1}\n", "conforms or not", "usl: 1}"),
    Mistake("classes", "    nonconforming: [gas, shrinkage]", "    nonconforming: [gas, crack]", "valid: good, gas, shrinkage", "crack"),
    Mistake("classes", "    nonconforming: [gas, shrinkage]\n", "", "no class is nonconforming", "  - id: porosity\n    station"),
    Mistake("classes", "nonconforming: [gas, shrinkage]", "nonconforming: [good, gas, shrinkage]", "no class is left", "nonconforming: [good"),
    Mistake("classes", "    classes: [good, gas, shrinkage]\n", "", "no classes to choose from", "nonconforming:"),
    Mistake("classes", "classes: [good, gas, shrinkage]", "classes: [good, gas, gas, shrinkage]", "named twice", "gas, gas"),
    Mistake("classes", "    kind: variable", "    kind: variable\n    classes: [a]", "limits, not classes", "  - id: weight\n"),
    Mistake("family", "model: {false_alarm_rate: 0.01", "model: {family: regression, false_alarm_rate: 0.01", "cannot be regressed", "family"),
    Mistake("family", "model: {false_alarm_rate: 0.002", "model: {family: supervised, false_alarm_rate: 0.002", "not a class", "family"),
    Mistake("two-memories", "model: {false_alarm_rate: 0.01", "model: {cusum: 0.5, memory: 0.1, false_alarm_rate: 0.01", "is not summed up", "cusum"),
    Mistake("cusum-family", "model: {false_alarm_rate: 0.01", "model: {family: knn, cusum: 0.5, false_alarm_rate: 0.01", "has nothing to sum up", "cusum"),
    Mistake("setup", "model: {false_alarm_rate: 0.01", "model: {setup: [vacuum], false_alarm_rate: 0.01", "only context tells setups apart", "setup: [vacuum]"),
    Mistake("setup", "model: {false_alarm_rate: 0.01", "model: {setup: [shot], false_alarm_rate: 0.01", "is a number", "setup: [shot]"),
    Mistake("unknown-name", "model: {false_alarm_rate: 0.01", "model: {setup: [seriel], false_alarm_rate: 0.01", "did you mean 'serial'?", "setup: [seriel]"),
    Mistake("conditions-ignored", "model: {false_alarm_rate: 0.01", "model: {conditions: ignore, false_alarm_rate: 0.01", "will look like a defect", "conditions: ignore"),
    Mistake("outcome-is-signal", "column: weight_kg", "column: die_temp", "would be told the answer", "column: die_temp"),
    Mistake("unknown-name", "column: weight_kg", "column: weight_kg, also: [xray], precedence: [xrai]", "did you mean 'xray'?", "precedence: [xrai]"),
    Mistake("precedence", "column: weight_kg", "column: weight_kg, also: [xray], precedence: [xray, two people, xray]", "named before", "precedence: [xray"),
    Mistake("gauge", "    kind: variable", "    kind: variable\n    measurement: {grr_percent: 35}", "not acceptable", "grr_percent"),
    Mistake("gauge", "    kind: variable", "    kind: variable\n    measurement: {kappa: 0.3}", "poor labels", "kappa"),
    Mistake("cost", "cost: {escape: 250", "cost: {escape: 2", "costs more (12) than an escape (2)", "escape: 2,"),
    Mistake("acceptance", "    kind: variable", "    kind: variable\n    acceptance: {decisions: 0.5}", "lost part of a class", "acceptance:"),
    Mistake("acceptance", "    kind: variable", "    kind: variable\n    acceptance: {judging_p99: 1 h}", "longer than the whole time", "acceptance:"),
    Mistake("supplier", "    kind: variable", "    kind: variable\n    pass_through: true", "name it", "  - id: weight\n"),
    Mistake("no-reaction", "  - id: weight_any\n    characteristic: weight\n", "  - id: weight_any\n    characteristic: weight\n    signals: [vacuum]\n", "has no reaction for any cause", "  - id: weight\n"),
    Mistake("no-reaction", "  - id: porosity_any\n    characteristic: porosity\n", "  - id: porosity_any\n    characteristic: porosity\n    classes: [gas]\n", "'porosity' (shrinkage)", "  - id: porosity\n"),
    Mistake("two-reactions", "    signals: [vacuum]\n", "", "answers the same cause", "  - id: porosity_any"),
    Mistake("outside-experience", "  - id: weight_unknown\n    characteristic: weight\n    when: outside_experience\n", "  - id: weight_unknown\n    characteristic: weight\n    signals: [vacuum]\n", "outside what was learned", "  - id: weight\n"),
    Mistake("priority", "    priority: critical\n", "", "without a reaction of priority 'critical'", "special_class: critical"),
    Mistake("escalation-order", "after: 10 min", "after: 2 h", "not in order", "      - {to: shift leader"),
    Mistake("escalation-early", "after: 10 min", "after: 5 min", "the owner has 10 min", "after: 5 min"),
    Mistake("release-authority", "    release_authority: quality engineer\n", "", "nobody is named to release", "  - id: vacuum_leak"),
    Mistake("alert-budget", "false_alarm_rate: 0.01,", "false_alarm_rate: 0.05,", "about 16.6 parts per shift of 8 h", "false_alarms_per_shift: 4"),
    Mistake("latency", "lateness: 500 ms", "lateness: 5 s", "an alert within 1 s cannot be kept", "lateness: 5 s"),
    Mistake("shifts", 'starts: "14:00"', 'starts: "13:00"', "before the one before it ends", "13:00"),
    Mistake("safe-launch", "phase: production", "phase: safe_launch", "say what is contained", "phase: safe_launch"),
    Mistake("safe-launch", "phase: production", "phase: production\nsafe_launch: {containment: all, until: June}", "extra containment in", "safe_launch:"),
    Mistake("personal-data", "  retention: 365 d", "  retention: 365 d\n  classes: {vacuum: personal}", "must not reach a model", "  - id: vacuum\n"),
    Mistake("personal-data", "  - {id: shot,", "  - {id: operator_no, station: cast, source: machine, address: ns=2;s=O, role: context}\n  - {id: shot,", "seems to name people", "operator_no"),
    Mistake("retention", "  retention: 365 d", "  retention: 3 d", "longer than all else", "retention: 3 d"),
    Mistake("buffer-size", "    rate: 10\n", "    rate: 5000\n", "the buffer is full after 13.5 h, not 168 h", "lineside: 1"),
    Mistake("when-full", "address: ns=2;s=Serial, role: context,", "address: ns=2;s=Serial, when_full: aggregates, role: context,", "text has no mean", "id: serial"),
    Mistake("when-full", "role: trigger}", "role: trigger, when_full: thin}", "loses the edges of a trigger", "id: cycle_on"),
    Mistake("silence-form", "    parts_per_hour: 40\n", "    silence: [{reason: changeover, parts: 3}]\n", "nothing tells when this silence holds", "silence:"),
    Mistake("silence-form", "    parts_per_hour: 40\n", "    silence: [{reason: new_lot, signal: shot}]\n", "lasts no part", "silence:"),
    Mistake("silence-signal", "    parts_per_hour: 40\n", "    silence: [{reason: new_lot, signal: shot, parts: 2}]\n", "is a feature as well", "silence:"),
    Mistake("unknown-name", "    parts_per_hour: 40\n", "    silence: [{reason: new_lot, signal: lot, parts: 2}]\n", "no such context signal", "silence:"),
    Mistake("words-of-nothing", "privacy:\n", "words: {de: {Nothing says this: Nichts}}\nprivacy:\n", "Nothing says this", "words:"),
    Mistake("region", "  retention: 365 d", "  retention: 365 d\n  store_in: []", "no place is named", "store_in"),
]  # fmt: skip


def test_the_good_plan_has_no_findings() -> None:
    checked = check_text(GOOD, "casting.yaml")
    assert checked.usable
    assert checked.findings == ()


@pytest.mark.parametrize("mistake", [*FORM, *SENSE], ids=str)
def test_a_mistake_is_named_with_its_line_and_what_to_do(mistake: Mistake) -> None:
    assert mistake.old in GOOD
    text = GOOD.replace(mistake.old, mistake.new, 1)
    found = check_text(text, "casting.yaml").findings
    shown = "\n".join(map(str, found))
    matching = [item for item in found if item.code == mistake.code and mistake.says in str(item)]
    assert matching, shown
    assert matching[0].file == "casting.yaml"
    assert matching[0].line in lines_with(text, mistake.line), shown


def lines_with(text: str, part: str) -> set[int]:
    """Return the numbers of the lines on which the part begins, or the next (a block's value begins there)."""
    lines = set()
    at = text.find(part)
    while at >= 0:
        number = text.count("\n", 0, at) + 1
        lines |= {number, number + 1}
        at = text.find(part, at + 1)
    return lines


def test_every_code_of_the_lint_has_a_case() -> None:
    assert {mistake.code for mistake in SENSE} | {"no-characteristic", "step-file"} == set(CODES)


def test_a_plan_that_judges_nothing_is_warned_of() -> None:
    text = GOOD[: GOOD.index("characteristics:")] + GOOD[GOOD.index("service_levels:") :]
    assert [item.code for item in check_text(text, "x").findings] == ["no-characteristic"]


def test_mistakes_of_form_and_of_sense_are_reported_together_in_the_order_of_the_text() -> None:
    text = GOOD.replace("number: CP-0107", "numbr: CP-0107").replace("timezone: Europe/Berlin", "timezone: Mars/North")
    text = text.replace("exclude: [shot]", "exclude: [shoot]").replace("revision: {number: 3", "revision: {number: x")
    codes = [item.code for item in check_text(text, "x").findings]
    assert codes == ["unknown-field", "time-zone", "value-int-parsing", "unknown-name"]


def test_warnings_leave_a_plan_usable() -> None:
    checked = check_text(GOOD.replace("security: Aes256_Sha256_RsaPss", "laboratory: true"), "x")
    assert checked.usable
    assert [item.severity for item in checked.findings] == [Severity.WARNING]
