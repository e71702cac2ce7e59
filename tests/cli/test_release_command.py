"""`lineside release`, as it is called: people sign by their password, and the record says what each did."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lineside.adapters.audit_sqlite import read_chain
from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.apps.layout import Layout
from lineside.apps.plant.board.doorkeeper import LoginRefusedError, new_account
from lineside.apps.plant.board.passwords import Passwords
from lineside.apps.plant.release_ladder import ReleaseLadder
from lineside.apps.releasing import signing_folder
from lineside.cli import release
from lineside.domain.access import AccessRole
from lineside.domain.errors import InputError
from lineside.domain.readiness import Beside, Level, Verdict
from lineside.domain.releases.deciding import Act, Person, roll_back
from lineside.domain.releases.ladder import LadderEvent
from lineside.domain.releases.table import Step
from lineside.testing.boards import PASSWORD, cheap_passwords
from lineside.testing.clocks import ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.modelling import CHARACTERISTIC, STATION, fitted, modelling_plan
from lineside.wire.bundle import Bundle

PLAN = modelling_plan(3, model={"family": "supervised"})
READY = (Level(name="recall", declared="", measured="", verdict=Verdict.MET, evidence=""),)
WHY = "recall is better since the new die"


@pytest.fixture(scope="module")
def bundles() -> list[Bundle]:
    return [fitted(PLAN, version) for version in (1, 2)]


@pytest.fixture
def folder(tmp_path: Path, bundles: list[Bundle], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plant with one model in service, another one kept, and four people."""
    monkeypatch.setattr(release, "Passwords", cheap_passwords)
    layout = Layout(tmp_path / "data")
    registry = signing_folder(layout)
    for bundle in bundles:
        registry.add(bundle)
    registry.activate(bundles[0])
    (tmp_path / "plan.yaml").write_text(PLAN.model_dump_json(exclude_none=True), encoding="utf-8")
    asyncio.run(_people(layout, cheap_passwords()))
    return tmp_path


async def _people(layout: Layout, passwords: Passwords) -> None:
    state = open_state(sqlite_url(layout.state))
    for name in ("anna", "bert", "carl", "otto"):
        role = AccessRole.OPERATOR if name == "otto" else AccessRole.ENGINEER
        account = new_account(name, role, 1)
        await state.accounts.add(account)
        await state.accounts.set_password(account.id, await passwords.hash(PASSWORD))
    state.close()


def call(folder: Path, *words: str, by: str = "", password: str = PASSWORD) -> str:
    more = ["--plan", str(folder / "plan.yaml"), "--data", str(folder / "data")]
    if by:
        more += ["--as", by, "--reason", WHY]
    result = CliRunner().invoke(release.command, [*words, *more], input=f"{password}\n" if by else None)
    if result.exception is not None:
        raise result.exception
    return click.unstyle(result.stdout)


def is_ready(monkeypatch: pytest.MonkeyPatch, *further: Level) -> None:
    async def levels(*_: object) -> tuple[Level, ...]:
        return *READY, *further

    monkeypatch.setattr(ReleaseLadder, "levels", levels)


def test_a_release_comes_into_service_by_two_persons_and_leaves_it_by_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_ready(monkeypatch)
    name, layout = f"{CHARACTERISTIC}/2", Layout(folder / "data")
    call(folder, "promote", name, by="anna")
    call(folder, "promote", name, by="anna")
    offered = []
    for people in (("bert", "carl"), ("carl", "bert")):
        for person in people:
            call(folder, "approve", name, by=person)
        call(folder, "promote", name, "--share", "0.1", by="anna")
        offered.append([canary.share for canary, _ in BundleFolder(layout.bundles).canaries()])
    assert offered == [[0.1], []]
    assert "champion" in call(folder, "list")
    assert [item.bundle.manifest.version for item in BundleFolder(layout.bundles).all_in_service()] == [2]
    shown = call(folder, "show", name)
    assert shown.count(WHY) == 8
    assert "share=0.1" in shown
    call(folder, "rollback", CHARACTERISTIC, by="carl")
    (service,) = BundleFolder(layout.bundles).all_in_service()
    assert service.bundle.manifest.version == 1
    assert service.offer is not None
    assert service.offer.note == WHY
    actions = [entry.action for entry in read_chain(layout.plant_audit)]
    assert actions == [
        "release.found", "release.drafted", "release.shadowed", "release.approved", "release.approved",
        "release.canaried", "release.approved", "release.approved", "release.superseded", "release.crowned",
        "release.rolled_back", "release.called_back",
    ]  # fmt: skip


def test_two_concede_what_the_champion_misses_and_the_list_and_the_offer_say_until_when(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Level(
        name="performance loss", declared="", measured="0.26", verdict=Verdict.INSUFFICIENT, evidence="",
        beside=Beside(measured="0.75", verdict=Verdict.MISSED, better=True),
    )  # fmt: skip
    is_ready(monkeypatch, lost)
    name = f"{CHARACTERISTIC}/2"
    for _ in range(2):
        call(folder, "promote", name, by="anna")
    for _ in range(2):
        for person in ("bert", "carl"):
            call(folder, "approve", name, "--concede", "performance loss", by=person)
        call(folder, "promote", name, "--share", "0.5", by="anna")
    assert "champion; by concession: performance loss let off until " in call(folder, "list")
    (service,) = BundleFolder(Layout(folder / "data").bundles).all_in_service()
    assert service.offer is not None
    assert "(by concession: performance loss let off until " in service.offer.note


def test_what_is_not_ready_is_not_promoted_and_the_answer_names_what_is_lacking(folder: Path) -> None:
    name = f"{CHARACTERISTIC}/2"
    for _ in range(2):
        call(folder, "promote", name, by="anna")
    for person in ("bert", "carl"):
        call(folder, "approve", name, by=person)
    with pytest.raises(InputError, match=r"cannot become canary: not ready: .*cost per part"):
        call(folder, "promote", name, "--share", "0.1", by="anna")
    assert "shadow; 2 of 2 persons" in call(folder, "list")


def test_nobody_signs_with_another_password_or_as_an_operator(folder: Path) -> None:
    name = f"{CHARACTERISTIC}/2"
    with pytest.raises(LoginRefusedError):
        call(folder, "promote", name, by="anna", password="not hers")
    with pytest.raises(InputError, match="engineer"):
        call(folder, "promote", name, by="otto")
    actions = [entry.action for entry in read_chain(Layout(folder / "data").plant_audit)]
    assert actions == ["login_failed", "release.found"]


def test_the_champion_cannot_be_retired_and_an_unknown_characteristic_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match="judges the line"):
        call(folder, "retire", f"{CHARACTERISTIC}/1", by="anna")
    with pytest.raises(InputError, match="no such characteristic"):
        call(folder, "rollback", "burr", by="anna")


def test_a_plan_is_proposed_by_its_file_and_put_in_force_by_its_digest(folder: Path) -> None:
    text = (folder / "plan.yaml").read_text()
    first = call(folder, "propose", by="anna").split()[1]
    (folder / "plan.yaml").write_text(text.replace('"least_recall":0.5', '"least_recall":0.6'))
    second = call(folder, "propose", by="anna").split()[1]
    for person in ("bert", "carl"):
        call(folder, "approve", second[:12], by=person)
    assert "enforced" in call(folder, "promote", second, by="anna")
    assert f"{second:40} in force" in call(folder, "list")
    call(folder, "retire", first, by="bert")
    assert f"{first:40} withdrawn" in call(folder, "list")


def test_what_a_proposed_plan_changes_is_kept_in_words(folder: Path) -> None:
    text = (folder / "plan.yaml").read_text()
    first = call(folder, "propose", by="anna").split()[1]
    for person in ("bert", "carl"):
        call(folder, "approve", first, by=person)
    call(folder, "promote", first, by="anna")
    (folder / "plan.yaml").write_text(text.replace('"least_recall":0.5', '"least_recall":0.6'))
    assert "least_recall" in call(folder, "propose", by="anna").replace(" ", "_")


async def test_what_a_crash_has_kept_from_the_gateways_is_offered_at_the_next_start(
    folder: Path, bundles: list[Bundle]
) -> None:
    layout = Layout(folder / "data")
    state, registry = open_state(sqlite_url(layout.state)), signing_folder(layout)
    ladder = ReleaseLadder(
        plan=PLAN, folder=registry, history=layout.history, state=state, audit=FakeAudit(), clock=ManualClock()
    )
    await ladder.ladder()
    place, anna = f"{STATION}/{CHARACTERISTIC}", Person(pseudonym="anna", role=AccessRole.ENGINEER)
    act, name = Act(by=anna, reason=WHY, now=1), bundles[1].name
    events = [
        LadderEvent(release=name, place=place, step=step, actor="anna", time=1, reason=WHY, detail={"share": "0.2"})
        for step in (Step.DRAFTED, Step.SHADOWED, Step.CANARIED)
    ]
    await state.ladder.append(events, after=1)
    assert await ladder.take_up("the plan") == ()
    assert [(item.offer.model, item.share) for item, _ in registry.canaries()] == [(name, 0.2)]
    await state.ladder.append(roll_back(await ladder.ladder(), place, act), after=4)
    registry.offer(bundles[1])  # by other means than the ladder
    assert await ladder.off_the_ladder() == (name,)
    assert await ladder.take_up("the plan") == ()
    assert registry.canaries() == ()
    assert [item.bundle.name for item in registry.all_in_service()] == [bundles[0].name]
    state.close()


def test_no_model_of_another_plan_is_promoted_or_called_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_ready(monkeypatch)
    name = f"{CHARACTERISTIC}/2"
    for step in ((), (), ("--share", "0.1"), ()):
        if "shadow" in call(folder, "show", name) or "canary" in call(folder, "show", name):
            for person in ("bert", "carl"):
                call(folder, "approve", name, by=person)
        call(folder, "promote", name, *step, by="anna")
    changed = (folder / "plan.yaml").read_text().replace('"unit":"degC"', '"unit":"K"')
    (folder / "plan.yaml").write_text(changed)
    for words in (("rollback", CHARACTERISTIC), ("promote", f"{CHARACTERISTIC}/1")):
        with pytest.raises(InputError, match="another plan"):
            call(folder, *words, by="carl")
