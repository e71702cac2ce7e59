"""The ladder of releases: the table, what each step needs, and everything that any order of steps can do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lineside.domain.access import AccessRole
from lineside.domain.errors import InputError
from lineside.domain.releases import deciding
from lineside.domain.releases.canary import Canary
from lineside.domain.releases.concession import LASTS, Concession
from lineside.domain.releases.deciding import Act, Person, Report
from lineside.domain.releases.ladder import Ladder, LadderEvent, fold
from lineside.domain.releases.table import TRANSITIONS, Need, Rung, Step, ladder_table, row_of

PLACE = "cast/porosity"
PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "the-release-ladder.md"
ANNA, BERT, CARL, DORA = (Person(pseudonym=name, role=AccessRole.ENGINEER) for name in ("anna", "bert", "carl", "dora"))
TEN = Canary(share=0.1)


def act(by: Person = ANNA, reason: str = "recall is better in summer") -> Act:
    return Act(by=by, reason=reason, now=7)


def report(rung: Rung, *lacks: str, release: str = "porosity/1") -> Report:
    return Report(release=release, rung=rung, lacks=lacks, digest="ab12")


def climbed(rung: Rung, release: str = "porosity/1", events: tuple[LadderEvent, ...] = ()) -> tuple[LadderEvent, ...]:
    """Return the events by which a release comes to a rung, as it should."""
    while fold(events).of(release).rung is not rung:
        if fold(events).of(release).rung in {Rung.SHADOW, Rung.CANARY}:
            for person in (BERT, CARL):
                events += deciding.approve(fold(events), release, act(person))
        said = Rung.CANARY if fold(events).of(release).rung is Rung.SHADOW else Rung.CHAMPION
        events += deciding.promote(fold(events), release, PLACE, act(), report(said, release=release), TEN)
    return events


def test_a_release_climbs_from_draft_to_champion_and_all_that_happened_is_kept() -> None:
    standing = fold(climbed(Rung.CHAMPION)).of("porosity/1")
    assert [event.step.value for event in standing.history] == [
        "drafted", "shadowed", "approved", "approved", "canaried", "approved", "approved", "crowned",
    ]  # fmt: skip
    assert standing.author == "anna"
    assert standing.history[-1].detail["report"] == "ab12"
    assert standing.history[-1].by == "engineer anna"


@pytest.mark.parametrize("rung", [Rung.SHADOW, Rung.CANARY])
def test_nothing_is_promoted_without_a_report_that_says_ready_for_that_step(rung: Rung) -> None:
    events = climbed(rung)
    for person in (BERT, CARL):
        events += deciding.approve(fold(events), "porosity/1", act(person))
    then = Rung.CANARY if rung is Rung.SHADOW else Rung.CHAMPION
    other = Rung.CHAMPION if rung is Rung.SHADOW else Rung.CANARY
    for wrong in (None, report(then, "recall: missed"), report(other), report(then, release="porosity/2")):
        with pytest.raises(InputError, match=r"report|not ready: recall"):
            deciding.promote(fold(events), "porosity/1", PLACE, act(), wrong, TEN)


def test_two_persons_approve_and_the_author_and_the_same_person_twice_do_not_count() -> None:
    events = climbed(Rung.SHADOW)
    with pytest.raises(InputError, match="author cannot"):
        deciding.approve(fold(events), "porosity/1", act(ANNA))
    events += deciding.approve(fold(events), "porosity/1", act(BERT))
    promoted_to_admin = Person(pseudonym="bert", role=AccessRole.ADMIN)
    with pytest.raises(InputError, match="approved it already"):
        deciding.approve(fold(events), "porosity/1", act(promoted_to_admin))
    with pytest.raises(InputError, match="1 of 2 persons"):
        deciding.promote(fold(events), "porosity/1", PLACE, act(), report(Rung.CANARY), TEN)


def test_an_approval_holds_for_one_step_only() -> None:
    assert fold(climbed(Rung.CANARY)).of("porosity/1").approvals == ()


def test_an_operator_takes_no_step_and_nobody_takes_one_without_a_reason() -> None:
    operator = Person(pseudonym="otto", role=AccessRole.OPERATOR)
    with pytest.raises(InputError, match="engineer"):
        deciding.promote(Ladder(), "porosity/1", PLACE, act(operator))
    with pytest.raises(InputError, match="say why"):
        deciding.promote(Ladder(), "porosity/1", PLACE, act(reason="  ok  "))
    with pytest.raises(InputError, match="only a person"):
        deciding.approve(fold(climbed(Rung.SHADOW)), "porosity/1", act(Person()))


def test_a_new_champion_retires_the_old_one_and_a_rollback_calls_it_back_at_once() -> None:
    events = climbed(Rung.CHAMPION, "porosity/2", climbed(Rung.CHAMPION))
    assert fold(events).of("porosity/1").rung is Rung.RETIRED
    events += deciding.roll_back(fold(events), PLACE, act(DORA, "false alarms since it judges"))
    champion = fold(events).champion(PLACE)
    assert champion is not None
    assert champion.release == "porosity/1"
    assert fold(events).of("porosity/2").rung is Rung.RETIRED
    with pytest.raises(InputError, match="no champion before"):
        deciding.roll_back(fold(events), PLACE, act())


def test_a_rollback_ends_a_canary_before_it_touches_the_champion() -> None:
    events = climbed(Rung.CANARY, "porosity/2", climbed(Rung.CHAMPION))
    events += deciding.roll_back(fold(events), PLACE, act())
    assert fold(events).of("porosity/2").rung is Rung.SHADOW
    assert fold(events).of("porosity/1").rung is Rung.CHAMPION


LOSS = {"performance loss": "performance loss: missed"}


def without_loss(release: str = "porosity/2") -> Report:
    return Report(
        release=release, rung=Rung.CHAMPION, lacks=(), digest="cd34", concedable=LOSS, beaten=("performance loss",)
    )


@pytest.mark.parametrize(
    "signed", [((), ()), (("performance loss",), ()), (("performance loss",) * 2, ()), (("recall, in service",),) * 2]
)
def test_a_level_is_let_off_by_nobody_who_has_not_signed_it_twice(signed: tuple[tuple[str, ...], ...]) -> None:
    events = climbed(Rung.CANARY, "porosity/2", climbed(Rung.CHAMPION))
    for person, concedes in zip((BERT, CARL), signed, strict=True):
        events += deciding.approve(fold(events), "porosity/2", act(person), concedes)
    with pytest.raises(InputError, match="not ready: performance loss: missed"):
        deciding.promote(fold(events), "porosity/2", PLACE, act(), without_loss())


def test_two_persons_let_a_challenger_off_what_the_champion_misses_and_all_that_follows_says_so() -> None:
    events = climbed(Rung.CANARY, "porosity/2", climbed(Rung.CHAMPION))
    for person in (BERT, CARL):
        events += deciding.approve(fold(events), "porosity/2", act(person), ["performance loss"])
    assert fold(events).of("porosity/2").conceded == {"performance loss"}
    events += deciding.promote(fold(events), "porosity/2", PLACE, act(), without_loss())
    champion = fold(events).champion(PLACE)
    assert champion is not None
    assert champion.concession == Concession(("performance loss",), 7 + LASTS)
    assert champion.concession.said() == "performance loss let off until 1970-04-01T00:00:00Z"
    assert champion.conceded == frozenset()
    before = fold(events).called_back(PLACE)
    assert before is not None
    assert (before.release, set(before.missed)) == ("porosity/1", {"performance loss"})
    events += deciding.roll_back(fold(events), PLACE, act())
    assert fold(events).of("porosity/2").concession is None


def test_what_can_be_measured_before_service_is_never_let_off() -> None:
    with pytest.raises(InputError, match="cannot be let off") as caught:
        deciding.approve(fold(climbed(Rung.CANARY)), "porosity/1", act(BERT), ["false alarms a shift"])
    assert caught.value.choices == ("recall, in service", "performance loss")


def test_there_is_one_canary_at_a_place() -> None:
    events = climbed(Rung.SHADOW, "porosity/3", climbed(Rung.CANARY, "porosity/2"))
    for person in (BERT, CARL):
        events += deciding.approve(fold(events), "porosity/3", act(person))
    with pytest.raises(InputError, match="canary already"):
        deciding.promote(fold(events), "porosity/3", PLACE, act(), report(Rung.CANARY, release="porosity/3"), TEN)


def test_a_demo_needs_nobody_is_marked_for_ever_and_replaces_nothing_that_was_approved() -> None:
    events = deciding.found(Ladder(), "porosity/1", PLACE, 5, demo=True)
    events += deciding.found(fold(events), "porosity/4", PLACE, 6, demo=True)
    assert fold(events).of("porosity/4").demo
    assert fold(events).of("porosity/1").rung is Rung.RETIRED
    deciding.check_offer(fold(events), "porosity/5", PLACE, demo=True)
    real = climbed(Rung.CHAMPION, "porosity/2", events)
    assert fold(real).of("porosity/4").demo
    assert not fold(real).of("porosity/2").demo
    with pytest.raises(InputError, match="no champion before"):
        deciding.roll_back(fold(real), PLACE, act())
    assert deciding.found(fold(real), "porosity/5", PLACE, 7, demo=True) == ()
    with pytest.raises(InputError, match="does not replace"):
        deciding.check_offer(fold(real), "porosity/5", PLACE, demo=True)


def test_what_judged_before_there_was_a_ladder_is_taken_up_once() -> None:
    events = deciding.found(Ladder(), "porosity/1", PLACE, 5)
    assert fold(events).of("porosity/1").rung is Rung.CHAMPION
    assert deciding.found(fold(events), "porosity/9", PLACE, 6) == ()


def test_only_the_champion_is_offered() -> None:
    ladder = fold(climbed(Rung.CANARY, "porosity/2", climbed(Rung.CHAMPION)))
    deciding.check_offer(ladder, "porosity/1", PLACE)
    for release in ("porosity/2", "porosity/9"):
        with pytest.raises(InputError, match="release promote"):
            deciding.check_offer(ladder, release, PLACE)
    with pytest.raises(InputError, match="only a champion"):
        deciding.check_offer(Ladder(), "porosity/1", PLACE)


def test_a_revision_of_the_plan_is_in_force_once_two_others_have_approved_it_and_withdraws_the_one_before() -> None:
    events: tuple[LadderEvent, ...] = ()
    for revision in ("plan/one", "plan/two"):
        events += deciding.propose(fold(events), revision, "plan", act(ANNA), "the limit is higher")
        with pytest.raises(InputError, match="author cannot"):
            deciding.approve(fold(events), revision, act(ANNA))
        events += deciding.approve(fold(events), revision, act(BERT))
        with pytest.raises(InputError, match="1 of 2"):
            deciding.promote(fold(events), revision, "plan", act(ANNA))
        events += deciding.approve(fold(events), revision, act(CARL))
        events += deciding.promote(fold(events), revision, "plan", act(ANNA))
    assert [item.release for item in fold(events).at("plan", Rung.IN_FORCE)] == ["plan/two"]
    assert fold(events).of("plan/one").rung is Rung.WITHDRAWN
    events += deciding.promote(fold(events), "plan/one", "plan", act(DORA))
    assert fold(events).of("plan/one").author == "dora"
    with pytest.raises(InputError, match="cannot be retired"):
        deciding.retire(fold(events), "plan/two", act())


def test_only_steps_of_the_table_can_be_taken() -> None:
    for rung in Rung:
        for step in Step:
            if (rung, step) not in TRANSITIONS:
                with pytest.raises(ValueError, match="cannot be"):
                    row_of(rung, step)
    assert len(ladder_table().splitlines()) == 2 + len(TRANSITIONS)


class AnyOrder(RuleBasedStateMachine):
    """Anybody tries anything in any order; whatever is allowed keeps what the ladder promises."""

    def __init__(self) -> None:
        super().__init__()
        self.events: tuple[LadderEvent, ...] = ()

    @property
    def ladder(self) -> Ladder:
        return fold(self.events)

    def attempt(self, work: object) -> None:
        try:
            self.events += work()  # type: ignore[operator]
        except InputError:
            return

    releases = st.sampled_from([f"porosity/{number}" for number in (1, 2, 3)])
    people = st.sampled_from([ANNA, BERT, CARL, Person()])

    @rule(release=releases, by=people, ready=st.sampled_from([True, True, False]))
    def promote(self, release: str, by: Person, *, ready: bool) -> None:
        then = Rung.CANARY if self.ladder.of(release).rung is Rung.SHADOW else Rung.CHAMPION
        said = report(then, *(() if ready else ("recall: missed",)), release=release)
        self.attempt(lambda: deciding.promote(self.ladder, release, PLACE, act(by), said, TEN))

    @rule(release=releases, by=people)
    def approve(self, release: str, by: Person) -> None:
        self.attempt(lambda: deciding.approve(self.ladder, release, act(by)))

    @rule(release=releases, by=people)
    def retire(self, release: str, by: Person) -> None:
        self.attempt(lambda: deciding.retire(self.ladder, release, act(by)))

    @rule(by=people)
    def roll_back(self, by: Person) -> None:
        self.attempt(lambda: deciding.roll_back(self.ladder, PLACE, act(by)))

    @rule(release=releases, demo=st.booleans())
    def found(self, release: str, *, demo: bool) -> None:
        self.attempt(lambda: deciding.found(self.ladder, release, PLACE, 3, demo=demo))

    @invariant()
    def there_is_one_champion_and_one_canary_at_most(self) -> None:
        assert len(self.ladder.at(PLACE, Rung.CHAMPION)) <= 1
        assert len(self.ladder.at(PLACE, Rung.CANARY)) <= 1

    @invariant()
    def whoever_judges_was_approved_by_two_who_are_not_its_author(self) -> None:
        for standing in self.ladder.standings.values():
            steps = standing.history
            for place, event in enumerate(steps):
                if Need.TWO_PERSONS in row_of(_before(steps, place), event.step).needs:
                    approvals = [item.actor for item in steps[:place] if item.step is Step.APPROVED]
                    author = [e.actor for e in steps[:place] if e.step in {Step.DRAFTED, Step.REOPENED}][-1]
                    assert len({*approvals[-2:]} - {author}) == 2
                    assert event.detail["report"]

    @invariant()
    def whoever_can_be_called_back_is_retired(self) -> None:
        for release in self.ladder.before.get(PLACE, ()):
            assert self.ladder.of(release).rung is Rung.RETIRED

    @invariant()
    def every_event_has_a_reason(self) -> None:
        assert all(event.reason for event in self.events)


def _before(steps: tuple[LadderEvent, ...], place: int) -> Rung:
    rung = Rung.NONE
    for event in steps[:place]:
        rung = row_of(rung, event.step).then
    return rung


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_documented_table_is_the_one_that_is_used() -> None:
    assert ladder_table() in PAGE.read_text(encoding="utf-8")
