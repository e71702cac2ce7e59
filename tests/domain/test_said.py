"""Sentences that remember what they were made of."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import asdict, dataclass

from lineside.domain.said import joined, number, say, share, span, span_text, word
from lineside.domain.units import DAY, HOUR, MINUTE, SECOND


@dataclass(frozen=True)
class Holder:
    text: str


def test_a_sentence_is_its_english_text_and_keeps_pattern_and_values() -> None:
    said = say("{level}: {bad} of {share} in {span}, {times}", level=word("recall"), bad=3, share=share(0.345),
               span=span(3 * DAY), times=number(1.2345))  # fmt: skip
    assert said == "recall: 3 of 34.5% in 3 d, 1.23"
    assert json.dumps(said) == json.dumps(str(said))
    ((pattern, values),) = said.clauses
    assert pattern == "{level}: {bad} of {share} in {span}, {times}"
    assert values["bad"] == 3


def test_clauses_follow_one_another_and_a_foreign_text_stands_as_it_is() -> None:
    said = joined((say("it is offset"), "{odd}", say("while nothing else moved")))
    assert said == "it is offset, {odd}, while nothing else moved"
    assert len(said.clauses) == 3


def test_a_record_gets_the_text_alone_and_a_process_the_whole() -> None:
    said = say("it is offset")
    assert type(asdict(Holder(said))["text"]) is str
    assert type(copy.deepcopy(said)) is str
    again = pickle.loads(pickle.dumps(said))
    assert again == said
    assert again.clauses == said.clauses


def test_spans_are_short_and_nothing_is_a_dash() -> None:
    assert [span_text(item) for item in (2 * DAY, 90 * MINUTE, 3 * MINUTE, SECOND // 2, None, float("inf"))] == [
        "2 d", "1.5 h", "3 min", "0.5 s", "-", "-",
    ]  # fmt: skip
    assert span_text(2 * HOUR) == "2 h"
