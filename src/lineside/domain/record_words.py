"""What records and gateways say in words, read back: health, last words, receipts, how a model was validated.

They are plain English where they are made and kept. Who shows one reads it back clause by clause, by the patterns
that it is made of, so that it can be said in the language of whoever reads it. What is not recognised (what a machine
or an operating system said of itself) stands as it is. Reasons of judgements: `lineside.domain.judging.reasons`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lineside.domain.health.states import State, Subject
from lineside.domain.said import Said, Value, planned, quantity, reader_of, say, word

_LONGEST: Final = 4_000
"""Characters of a text that is read back: a record may come from anywhere."""
_MOST_CLAUSES: Final = 10
"""Clauses that are told apart; what follows them stands as it is."""
_DEEPEST: Final = 5
"""Texts within texts that are read back."""
_SPAN: Final = r"[+-]?[\d.]+ (?:ms|s|min|h)"
_DETAILS: Final = (
    word("further sources"), word("live messages for the board"), word("contributions of parts that are normal"),
    word("details of the status"),
)  # fmt: skip
"""What a gateway leaves out under load, as `lineside.domain.health.load` names it."""
_MONTHS: Final = (
    word("January"), word("February"), word("March"), word("April"), word("May"), word("June"), word("July"),
    word("August"), word("September"), word("October"), word("November"), word("December"),
)  # fmt: skip
_FIGURES: Final = (
    word("false alarms"), word("found of nonconforming"), word("area under the ROC curve"),
    word("error (root mean square)"), word("outside experience"),
)  # fmt: skip
_SEASONS: Final = (
    word("December to February"), word("March to May"), word("June to August"), word("September to November"),
)  # fmt: skip
"""Regimes that are named by us, as `lineside.domain.shifts` does; others are named by the plan."""
_FORMS: Final = {
    "subject": "|".join(Subject),
    "state": "|".join(State),
    "detail": "|".join(item.value for item in _DETAILS),
    "n": r"[+-]?[\d.,]+",
    "most": r"[\d.,]+",
    "size": r"[\d.]+ [KMGT]?B",
    "limit": r"[\d.]+ [KMGT]?B",
    "span": _SPAN,
    "jitter": _SPAN,
    "id": r"[^:(]+",
    "count": r"no parts|only \d+ parts?",
    "bad": r"\d+",
    "share": r"under 1 %|\d+ %",
    "part": r"under 1 %|\d+ %",
    "month": rf"(?:{'|'.join(item.value for item in _MONTHS)})(?: \d{{4}})?",
    "figure": "|".join(re.escape(item.value) for item in _FIGURES),
    "gain": r"\S+",
    "error": r"\S+",
}
"""What stands for a value, where it is not just anything."""
_QUANTITIES: Final = frozenset({"size", "limit", "span", "jitter", "value", "bound"})
_NESTED: Final = frozenset({"words", "reason", "clock", "scheme", "count", "often"})
"""What is a text of ours in its turn, or somebody else's."""

_PATTERNS: Final = tuple(
    item.value
    for item in (
        # The plant and its links.
        word("is gone: {words}"),
        word("fell silent"),
        word("all was good"),
        word("it was told to end"),
        word("every source has ended"),
        word("it failed: {words}"),
        word("and {n} more"),
        word("nothing heard"),
        word("its disk cannot be written: judgements are unrecorded"),
        word("{n} readings could not be recorded"),
        word("two gateways run under this name: stop one of them"),
        word("alerts wait for it: {words}"),
        # Sources and their clocks.
        word("connected, and nothing for {span}"),
        word("a reading every {span} at least is expected"),
        word("tried again in {span}"),
        word("{clock}, or its readings take that long"),
        word("{clock}, drift {n} ppm"),
        word("{span} ahead, jitter {jitter}"),
        word("{span} behind, jitter {jitter}"),
        word("its clock is over 5 min ahead, and its readings are kept with their times set back"),
        word("{n} readings were refused because they lay over 5 min in the future"),
        word("the plan allows {span}"),
        # Stations and models.
        word("no model in service for {names}"),
        word("no part since the start"),
        word("the last part lacked {names}"),
        word("{n} parts, the last {span} ago"),
        word("the process ended twice in 5 minutes while it judged"),
        # Buffer, disk, link, record and clock.
        word("the disk cannot be written: sources are not acknowledged"),
        word("{n}% of {limit} used"),
        word("room for {span} at this rate"),
        word("{n} readings let go, with receipts"),
        word("{size} free"),
        word("a durable write takes {span}"),
        word("{size} must stay free"),
        word("{n} records wait"),
        word("the plant holds all up to {n}"),
        word("not compared with the plant's history yet"),
        word("{n} stretches compared with the plant's history"),
        word("see 'lineside gateway reconcile'"),
        word("it jumped by {span} {jitter} ago"),
        # Load.
        word("processor at {n} % of at most {most} %"),
        word("memory at {size} of at most {limit}"),
        word("disk {n} % full of at most {most} %"),
        # Receipts.
        word("the buffer was full: the oldest went"),
        word("the buffer was full: new ones were not kept"),
        word("the buffer was full: thinned by halves"),
        word("the buffer was full: aggregates of each minute were kept"),
        word("older than the buffer's hours"),
        word("the outbox could not be written"),
        word("the outbox file was damaged and nothing of it can be read"),
        word("how many readings it held is not known"),
        # How a model was validated.
        word("{scheme}, by models of at most {most} conforming parts"),
        word("later periods held out ({n} blocks, each judged by all before it)"),
        word("whole groups held out ({n} folds)"),
        word("stratified {n}-fold at random: rows have no time, so later parts may do worse"),
        word("too few parts to validate"),
        word("trees against line: error lower by {gain} +- {error} per fold"),
        word("parts made after those that the prototype was learned from"),
        word("parts that the prototype may have seen: nothing is promised"),
        # What models have learned from, and have not.
        word("no parts"),
        word("only {n} part"),
        word("only {n} parts"),
        word("{label}: {count} below {value} (declared down to {bound})"),
        word("{label}: {count} above {value} (declared up to {bound})"),
        word("{label}: {count} between {bound} and {value}"),
        word("{label}: {count} at {value}"),
        word("{label}: {count} with a value (it is declared, and not measured here)"),
        word("{label} with {other}: no parts in some combinations"),
        word("how often the line is there is not known"),
        word("{often}, most often {most_often}"),
        word("none of the {n} shifts on record was there"),
        word("none of the {n} days on record was there"),
        word("{share} of the {n} shifts on record were there"),
        word("{share} of the {n} days on record were there"),
        word("{share} of the shifts in {month} were there ({part} of all {n})"),
        word("{share} of the days in {month} were there ({part} of all {n})"),
        word("no two regimes large enough to be left out"),
        word("{figure}: worst {worst} at {regime} ({n} parts), mean of {most} {mean}"),
        # Reports and steps.
        word("predicted from the process before inspection"),
        word("{n} suspect parts, {bad} of {most} checked do not conform"),
        word("the last good part"),
        word("it still stands"),
        word("{label}: usual {band}"),
        word("line {line}, station {label}, part {number}"),
        word("it judged before there was a ladder"),
        # A state in one line.
        word("{subject} {id}: {state} ({reason})"),
        word("{subject}: {state} ({reason})"),
        word("{subject} {id}: {state}"),
        word("{subject}: {state}"),
        word("{state}: {reason}"),
    )
)
_READERS: Final = tuple((pattern, reader_of(pattern, _FORMS)) for pattern in _PATTERNS)
_LEFT_OUT: Final = tuple(
    (pattern, reader_of(pattern, {"details": ".+"}))
    for pattern in (word("left out since the start: {details}").value, word("left out now: {details}").value)
)
_COUNTED: Final = reader_of("{n} {detail}", _FORMS)


def read_back(text: str, depth: int = 0) -> Said | None:
    """Return what a recorded text was made of; None where nothing of it is ours.

    ``depth`` says within how many others it stands.
    """
    if len(text) > _LONGEST or depth > _DEEPEST:
        return None
    clauses = [(clause, _clause(clause, depth)) for clause in _clauses(text)]
    if all(said is None for _, said in clauses):
        return None
    plain, last = clauses[-1]
    whole = last or Said([("{text}", {"text": plain})])
    for plain, said in reversed(clauses[:-1]):
        whole = say("{first}; {rest}", first=said or plain, rest=whole)
    return whole


def _clauses(text: str) -> list[str]:
    """Return the clauses of a text: what stands between semicolons, but for those in brackets."""
    found, depth, begin = list[str](), 0, 0
    for mark in re.finditer(r"[()]|; ", text):
        if mark[0] != "; ":
            depth = max(0, depth + (1 if mark[0] == "(" else -1))
        elif depth == 0 and len(found) < _MOST_CLAUSES:
            found.append(text[begin : mark.start()])
            begin = mark.end()
    return [*found, text[begin:]]


def _clause(text: str, depth: int) -> Said | None:
    for pattern, reader in _READERS:
        found = reader.fullmatch(text)
        if found is not None:
            return say(pattern, **{name: _value(name, value, depth) for name, value in found.groupdict().items()})
    for pattern, reader in _LEFT_OUT:
        found = reader.fullmatch(text)
        if found is not None:
            return say(pattern, details=Said([_left_out(item) for item in found["details"].split(", ")]))
    return None


def _left_out(text: str) -> tuple[str, dict[str, Value | int | str]]:
    """Return what is said of one detail that was left out: how often, and which; or which alone."""
    found = _COUNTED.fullmatch(text)
    if found is None:
        return "{detail}", {"detail": word(text)}
    return "{n} {detail}", {"n": found["n"], "detail": word(found["detail"])}


def _value(name: str, text: str, depth: int) -> Value | str:
    if name in _NESTED:
        return read_back(text, depth + 1) or text
    if name in _MADE:
        return _MADE[name](text)
    return quantity(text) if name in _QUANTITIES else text


def _month(text: str) -> Value | str:
    month, _, year = text.partition(" ")
    return say("{month} {year}", month=word(month), year=year) if year else word(month)


def _regime(text: str) -> Value | str:
    return word(text) if text in {item.value for item in _SEASONS} else text


_MADE: Final[dict[str, Callable[[str], Value | str]]] = {
    **dict.fromkeys(("subject", "state", "detail", "figure"), word),
    **dict.fromkeys(("label", "other"), planned),
    "month": _month,
    "regime": _regime,
}
"""How a value of a name is made that is more than a text."""
