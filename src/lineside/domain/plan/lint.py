"""Find what no single field can show: names that do not exist, classes without a reaction, units that disagree.

`lint` is pure: it takes a plan that has the right form and returns findings, ascending by their place. The rules
stand in `rules_*` by what they look at; each is a function from a `View` of the plan to findings. Every code that a
rule gives stands in `CODES` with what it means, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Final

from lineside.domain.plan.findings import Finding, path_in_words
from lineside.domain.plan.model import Plan
from lineside.domain.plan.rules_characteristics import CHARACTERISTIC_RULES
from lineside.domain.plan.rules_gateway import GATEWAY_RULES
from lineside.domain.plan.rules_levels import LEVEL_RULES
from lineside.domain.plan.rules_names import NAME_RULES
from lineside.domain.plan.rules_reactions import REACTION_RULES
from lineside.domain.plan.rules_registers import REGISTER_RULES
from lineside.domain.plan.rules_signals import SIGNAL_RULES
from lineside.domain.plan.rules_stations import STATION_RULES
from lineside.domain.plan.view import View

RULES: Final[tuple[Callable[[View], Iterator[Finding]], ...]] = (
    *NAME_RULES,
    *STATION_RULES,
    *SIGNAL_RULES,
    *REGISTER_RULES,
    *CHARACTERISTIC_RULES,
    *REACTION_RULES,
    *LEVEL_RULES,
    *GATEWAY_RULES,
)

CODES: Final = {
    "duplicate-id": "Two things of a kind have one id.",
    "words-of-nothing": "A text is translated that the plan does not say.",
    "unknown-name": "A name refers to nothing in the plan.",
    "wrong-station": "A signal is used at a station that is not its own.",
    "no-signals": "A station has nothing that a model could judge by.",
    "phase-bounds": "A phase ends before it begins, or lies outside the cycle.",
    "phase-form": "A phase is neither by time nor by a signal's value.",
    "phase-unused": "Phases or features are given where rows are finished parts.",
    "trigger-type": "A trigger or counter is not a number.",
    "trigger-role": "A trigger does not have the role 'trigger'.",
    "lateness": "A reading may arrive later than a part counts as live.",
    "silence-form": "Nothing tells when a silence holds, or for how many parts.",
    "silence-signal": "A signal tells a context of silence and is a feature as well.",
    "window-rate": "A window is shorter than the time between two readings.",
    "range-order": "The low end of a range is not below its high end.",
    "setting-order": "Setting and tolerance of a process parameter disagree with each other or with its range.",
    "text-signal": "A signal of text is used as if it were a number.",
    "same-address": "Two signals read the same address.",
    "no-address": "A signal of an OPC UA source has no node id.",
    "register": "A signal has no register although its source is Modbus, or one that cannot be.",
    "register-notation": "A register's number looks like the 4xxxx notation.",
    "register-order": "Without a plausible range a wrong word order would not be noticed.",
    "step-file": "A picture or document of a step is not beside the plan, or is not what its ending says.",
    "guessed": "Fields were guessed from data and nobody has looked at them.",
    "envelope-missing": "A condition is measured, but the plan does not say in which range the line must work.",
    "envelope-range": "The envelope lies outside what the signal can plausibly measure.",
    "source-address": "A source has no usable address.",
    "source-security": "A machine is reached without OPC UA security.",
    "source-secret": "A secret stands in the plan, or none is named for a user.",
    "source-unused": "No signal comes from a source.",
    "time-zone": "There is no such time zone.",
    "date": "A date is not in the calendar.",
    "no-specification": "A variable has no specification limits.",
    "specification-order": "Specification limits are not in order.",
    "specification-unit": "Units of a characteristic and of its signal disagree, or one is missing.",
    "specification-unused": "An attribute without classes has specification limits.",
    "classes": "Classes and nonconforming classes disagree.",
    "family": "The wished kind of model does not fit the kind of characteristic.",
    "setup": "A setup is told apart by what is no context, or by a number.",
    "two-memories": "Small shifts are to be found by a moving average and by a cumulative sum.",
    "cusum-family": "A cumulative sum is wished of a family that has nothing to sum up.",
    "conditions-ignored": "Conditions are measured, and features are not to be judged given them.",
    "outcome-is-signal": "The truth about the part would reach the model.",
    "precedence": "Whose word holds names a source twice.",
    "gauge": "The measurement is not capable of telling good from bad.",
    "acceptance": "A device would accept a model that lost much of a class, or judging may take too long.",
    "cost": "A false alarm is said to cost more than an escape.",
    "supplier": "A pass-through characteristic names no supplier.",
    "no-characteristic": "Nothing is judged.",
    "no-reaction": "A class that a model can emit has no reaction.",
    "two-reactions": "Two reactions answer the same cause.",
    "outside-experience": "There is no reaction for conditions outside what was learned.",
    "priority": "A critical characteristic has no critical reaction.",
    "escalation-order": "Escalations are not in order of time.",
    "escalation-early": "An escalation comes before the owner's time is up.",
    "release-authority": "Parts are segregated and nobody is named to release them.",
    "alert-budget": "The false alarms that the models may give exceed what a shift accepts.",
    "latency": "An alert is asked for sooner than late readings are waited for.",
    "shifts": "The shifts overlap.",
    "safe-launch": "The phase and the extra containment disagree.",
    "personal-data": "Personal data would reach a model, or a signal that names people is not classed.",
    "retention": "Personal data would be kept longer than other data.",
    "buffer-size": "The gateway's buffer is too small for the hours it promises.",
    "when-full": "A signal cannot be reduced in the way the plan says.",
    "region": "No place is named where data may be stored or processed.",
}
"""Every code with its meaning; the reference is made from it."""


def lint(plan: Plan, zones: Collection[str]) -> tuple[Finding, ...]:
    """Return all that is wrong with a plan or wants a look.

    Args:
        plan: a plan of the right form.
        zones: the IANA names of the time zones that exist.
    """
    view = View.of(plan, zones)
    document = plan.model_dump()
    findings = [
        replace(finding, where=path_in_words(finding.path, document)) for rule in RULES for finding in rule(view)
    ]
    return tuple(findings)
