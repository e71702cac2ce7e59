"""Configurations at the plant: waves, and what gateways are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.durable_files import load_key
from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.apps.layout import Layout
from lineside.apps.plant.configurations import LASTS, ConfigurationDesk, describe
from lineside.domain.enrolment import Applicant, TokenRecord
from lineside.domain.errors import InputError, IntegrityError, PlanError
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.releases import put_in_force
from lineside.wire.configuration import ConfigurationAsk, decode_ask, encode_ask, verify_configuration
from lineside.wire.signed import Signer
from running_line import PLAN

OTHER = PLAN.replace("Open the chiller valve", "Open the chiller valve by a quarter turn")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[ConfigurationDesk]:
    layout, clock = Layout(tmp_path), ManualClock()
    layout.create()
    state = open_state(sqlite_url(layout.state))
    audit = await SqliteAudit.open(layout.plant_audit, writer="plant", clock=clock, key=layout.audit_key)
    made = ConfigurationDesk(layout=layout, state=state, audit=audit, clock=clock)
    for number, (name, line) in enumerate((("gw1", "dc07"), ("gw2", "dc07"), ("gw3", "dc07"), ("far", "dc08"))):
        await _enrol(made, name, line, number)
    for text in (PLAN, OTHER):
        await put_in_force(state, text)
    yield made
    await audit.close()
    state.close()


async def _enrol(desk: ConfigurationDesk, name: str, line: str, number: int) -> None:
    key = f"{number:064x}"
    token = TokenRecord(id=name, gateway=name, site="works", line=line, public=key, expires=A_MOMENT + 1)
    await desk.state.gateways.add_token(token)
    applicant = Applicant(token=name, gateway=name, site="works", line=line, key=key, exchange=key, time=A_MOMENT)
    assert await desk.state.gateways.enrol(applicant, A_MOMENT) == ""


def runs(version: int, outcome: str = "running", reason: str = "") -> ConfigurationAsk:
    running = version if outcome == "running" else 0
    return ConfigurationAsk(running=running, about=version, outcome=outcome, reason=reason)


async def test_a_plan_goes_to_one_gateway_first_and_to_the_rest_once_it_runs_there(desk: ConfigurationDesk) -> None:
    version = await desk.begin(OTHER, "", by="test")
    assert list(await desk.state.configurations.placements()) == ["gw1"]
    with pytest.raises(InputError, match="has not said anything"):
        await desk.go_on("works", "dc07", by="test")
    assert await desk.answer("gw2", ConfigurationAsk(running=0)) == b""
    await desk.answer("gw1", runs(version, "trial"))
    with pytest.raises(InputError, match="trial"):
        await desk.go_on("works", "dc07", by="test")
    await desk.answer("gw1", runs(version))
    assert await desk.go_on("works", "dc07", by="test") == (version, ["gw2", "gw3"])
    assert "far" not in await desk.state.configurations.placements()
    actions = [entry.action for entry in await desk.audit.entries()]
    assert actions.count("configuration.given") == 3
    assert actions.count("configuration.said") == 2


async def test_a_gateway_that_was_worse_for_it_stops_the_wave(desk: ConfigurationDesk) -> None:
    version = await desk.begin(OTHER, "gw2", by="test")
    assert await desk.answer("gw2", runs(version, "returned", "source machine: lost")) == b""
    with pytest.raises(InputError, match="source machine: lost"):
        await desk.go_on("works", "dc07", by="test")
    await put_in_force(desk.state, PLAN)
    again = await desk.begin(PLAN, "gw2", by="test")
    assert again == version + 1
    assert describe((await desk.state.configurations.placements())["gw2"]).startswith(f"shall run version {again}")


async def test_what_a_gateway_is_answered_is_signed_for_it_alone_and_for_a_day(desk: ConfigurationDesk) -> None:
    version = await desk.begin(OTHER, "gw1", by="test")
    plant = Signer(load_key(desk.layout.plant_key)).public
    found = verify_configuration(await desk.answer("gw1", ConfigurationAsk(running=0)), plant, A_MOMENT)
    assert (found.version, found.gateway, found.line, found.plan) == (version, "gw1", "dc07", OTHER)
    assert found.expires - found.issued == LASTS
    assert await desk.answer("gw1", runs(version)) == b""


async def test_a_plan_with_mistakes_is_given_to_nobody(desk: ConfigurationDesk) -> None:
    with pytest.raises(PlanError):
        await desk.begin(PLAN.replace("signal: running", "signal: absent"), "", by="test")
    await put_in_force(desk.state, PLAN)
    with pytest.raises(InputError, match="no gateway of this line"):
        await desk.begin(PLAN, "far", by="test")
    with pytest.raises(InputError, match="first gateway of this line"):
        await desk.go_on("works", "dc07", by="test")
    assert await desk.state.configurations.placements() == {}


def test_a_question_that_cannot_be_read_is_none() -> None:
    assert decode_ask(encode_ask(runs(3))) == runs(3)
    with pytest.raises(IntegrityError):
        decode_ask(b"{")


async def test_a_plan_that_two_persons_have_not_approved_is_given_to_nobody(desk: ConfigurationDesk) -> None:
    with pytest.raises(InputError, match="not in force"):
        await desk.begin(OTHER.replace("a quarter turn", "a half turn"), "", by="test")
    assert await desk.state.configurations.placements() == {}
    await put_in_force(desk.state, PLAN)
    with pytest.raises(InputError, match="not in force"):  # another one has taken its place
        await desk.begin(OTHER, "", by="test")
