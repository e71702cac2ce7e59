"""The tampering table: every way to change a chain is found, given what others hold of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.audit import (
    GENESIS,
    WITNESSED,
    AuditEntry,
    Mark,
    canonical,
    make_entry,
    verify_chain,
    witnessed_marks,
)

Chain = list[AuditEntry]


def chain(length: int, word: str = "login") -> Chain:
    entries: Chain = []
    for number in range(1, length + 1):
        previous = entries[-1].hash if entries else GENESIS
        content = canonical({"number": number})
        entries.append(
            make_entry(writer="plant", sequence=number, time=number, action=word, content=content, previous=previous)
        )
    return entries


def rehashed(entries: Chain) -> Chain:
    """Write a chain anew over changed entries, as someone who knows the rules would."""
    new: Chain = []
    for number, entry in enumerate(entries, 1):
        previous = new[-1].hash if new else GENESIS
        new.append(
            make_entry(
                writer=entry.writer,
                sequence=number,
                time=entry.time,
                action=entry.action,
                content=entry.content,
                previous=previous,
            )
        )
    return new


def edit(entries: Chain) -> Chain:
    return [*entries[:3], replace(entries[3], content='{"number":99}'), *entries[4:]]


TAMPERINGS: dict[str, Callable[[Chain], Chain]] = {
    "edit": edit,
    "edit and rehash the entry": lambda e: [*e[:3], rehashed(edit(e))[3], *e[4:]],
    "edit and rehash the rest": lambda e: rehashed(edit(e)),
    "delete in the middle": lambda e: [*e[:3], *e[4:]],
    "delete and renumber": lambda e: rehashed([*e[:3], *e[4:]]),
    "insert": lambda e: [*e[:3], replace(e[3], action="forged"), *e[3:]],
    "insert and rehash": lambda e: rehashed([*e[:3], replace(e[3], action="forged"), *e[3:]]),
    "swap": lambda e: [*e[:3], e[4], e[3], *e[5:]],
    "cut the tail": lambda e: e[:5],
    "replace the whole": lambda e: chain(len(e), "forged"),
    "change the writer": lambda e: [replace(entry, writer="other") for entry in e],
}


@pytest.mark.parametrize("tamper", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_tampering_is_found(tamper: Callable[[Chain], Chain]) -> None:
    entries = chain(8)
    mark = Mark(writer="plant", sequence=8, hash=entries[-1].hash, witness="gateway")
    assert verify_chain(entries, [mark]) == ()
    assert verify_chain(tamper(entries), [mark]) != ()


def test_a_cut_since_the_last_mark_is_the_one_thing_that_does_not_show() -> None:
    entries = chain(8)
    mark = Mark(writer="plant", sequence=6, hash=entries[5].hash, witness="gateway")
    assert verify_chain(entries[:6], [mark]) == ()


def test_a_chain_tells_what_it_has_witnessed_of_others() -> None:
    content = canonical({"writer": "gateway", "sequence": 7, "hash": "ab"})
    entry = make_entry(writer="plant", sequence=1, time=0, action=WITNESSED, content=content, previous=GENESIS)
    [mark] = witnessed_marks([entry, *chain(2)])
    assert (mark.writer, mark.sequence, mark.hash) == ("gateway", 7, "ab")


@given(st.integers(0, 7), st.sampled_from(["writer", "sequence", "time", "action", "content", "previous", "hash"]))
def test_any_change_to_any_field_breaks_the_chain(row: int, field: str) -> None:
    entries = chain(8)
    value = 999 if field in {"sequence", "time"} else "forged"
    entries[row] = replace(entries[row], **{field: value})  # type: ignore[arg-type]
    assert verify_chain(entries) != ()
