"""The plan's texts in other languages: checked, read by people, and nothing to a model."""

from __future__ import annotations

from pathlib import Path

import lineside
from lineside.adapters.plan_yaml import check_text, parse_plan
from lineside.domain.plan.diff import Effect, compare
from lineside.domain.plan.digest import judging_digest, response_digest

_DEMO = (Path(lineside.__file__).parent / "apps" / "demo" / "plan.yaml").read_text(encoding="utf-8")
_PLAIN = _DEMO.partition("\nwords:")[0] + "\n"


def test_translating_a_plan_changes_what_people_read_and_no_judgement() -> None:
    plain, translated = parse_plan(_PLAIN, "plain"), parse_plan(_DEMO, "translated")
    assert judging_digest(plain) == judging_digest(translated)
    assert response_digest(plain) != response_digest(translated)
    assert {change.effect for change in compare(plain, translated).changes} == {Effect.RESPONSE}


def test_every_reaction_of_the_demo_is_in_every_language() -> None:
    plan = parse_plan(_DEMO, "demo")
    for code in ("de", "es", "zh", "pt"):
        known = plan.words[code]
        for reaction in plan.reactions:
            said = [reaction.name, reaction.text, reaction.owner, *(step.text for step in reaction.steps)]
            assert [text for text in said if text not in known] == []


def test_a_translation_of_what_the_plan_does_not_say_is_warned_of_with_the_nearest_text() -> None:
    checked = check_text(_PLAIN + "words: {de: {Porosty: Porosität}}\n", "plan")
    found = [finding for finding in checked.findings if finding.code == "words-of-nothing"]
    assert len(found) == 1
    assert "Porosity" in found[0].next_step


def test_a_language_of_line_and_station_changes_what_people_read_and_no_judgement() -> None:
    plain = parse_plan(_DEMO, "plain")
    said = _DEMO.replace("timezone: Europe/Berlin}", "timezone: Europe/Berlin, language: de}")
    said = said.replace("    name: Melt furnace\n", "    name: Melt furnace\n    language: es\n")
    spoken = parse_plan(said, "spoken")
    assert judging_digest(plain) == judging_digest(spoken)
    assert response_digest(plain) != response_digest(spoken)
    changes = compare(plain, spoken).changes
    assert {change.effect for change in changes} == {Effect.RESPONSE}
    assert len(changes) == 2


def test_a_language_without_a_catalogue_is_refused_with_those_there_are() -> None:
    checked = check_text(_DEMO.replace("timezone: Europe/Berlin}", "timezone: Europe/Berlin, language: fr}"), "plan")
    [finding] = [finding for finding in checked.findings if finding.path == ("line", "language")]
    assert finding.choices == ("en", "de", "es", "zh", "pt")
