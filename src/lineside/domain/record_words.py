"""What records and gateways say in words, read back: health, last words, receipts, how a model was validated.

They are plain English where they are made and kept. Who shows one reads it back clause by clause, by the patterns
that it is made of, so that it can be said in the language of whoever reads it. What is not recognised (what a machine
or an operating system said of itself) stands as it is. Reasons of judgements: `lineside.domain.judging.reasons`.
"""

from __future__ import annotations

import re
from typing import Final

from lineside.domain.health.states import State, Subject
from lineside.domain.said import Said, Value, quantity, reader_of, say, word

_LONGEST: Final = 4_000
"""Characters of a text that is read back: a record may come from anywhere."""
_SPAN: Final = r"[+-]?[\d.]+ (?:ms|s|min|h)"
_DETAILS: Final = (
    word("further sources"), word("live messages for the board"), word("contributions of parts that are normal"),
    word("details of the status"),
)  # fmt: skip
"""What a gateway leaves out under load, as `lineside.domain.health.load` names it."""
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
    "gain": r"\S+",
    "error": r"\S+",
}
"""What stands for a value, where it is not just anything."""
_WORDS: Final = frozenset({"subject", "state", "detail"})
_QUANTITIES: Final = frozenset({"size", "limit", "span", "jitter"})
_NESTED: Final = frozenset({"words", "reason", "clock", "scheme"})
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


def read_back(text: str) -> Said | None:
    """Return what a recorded text was made of; None where nothing of it is ours."""
    if len(text) > _LONGEST:
        return None
    clauses = [(clause, _clause(clause)) for clause in _clauses(text)]
    if all(said is None for _, said in clauses):
        return None
    plain, last = clauses[-1]
    whole = last or Said([("{text}", {"text": plain})])
    for plain, said in reversed(clauses[:-1]):
        whole = say("{first}; {rest}", first=said or plain, rest=whole)
    return whole


def _clauses(text: str) -> list[str]:
    """Return the clauses of a text: what stands between semicolons, but for those in brackets."""
    found, depth, begin = [], 0, 0
    for mark in re.finditer(r"[()]|; ", text):
        if mark[0] != "; ":
            depth = max(0, depth + (1 if mark[0] == "(" else -1))
        elif depth == 0:
            found.append(text[begin : mark.start()])
            begin = mark.end()
    return [*found, text[begin:]]


def _clause(text: str) -> Said | None:
    for pattern, reader in _READERS:
        found = reader.fullmatch(text)
        if found is not None:
            return say(pattern, **{name: _value(name, value) for name, value in found.groupdict().items()})
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


def _value(name: str, text: str) -> Value | str:
    if name in _WORDS:
        return word(text)
    if name in _QUANTITIES:
        return quantity(text)
    if name in _NESTED:
        return read_back(text) or text
    return text
