"""Security requirements 18 to 20: a gateway is let in once, for its own line alone, and shut out within a minute."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nats import errors
from nats.aio.client import Client

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.gateway_identity import Identity, load_identity
from lineside.adapters.nats_bus import NatsAddress, NatsBus, connect_options
from lineside.adapters.nats_server import EmbeddedNats
from lineside.adapters.state_sql import SqlState, open_state, sqlite_url
from lineside.apps.gateway.enrol import accept, address_of, draft_request, enrol, rotate, subjects_of, watermark_key_of
from lineside.apps.layout import Layout
from lineside.apps.plant.gateways import GatewayDesk, GatewayRoll, serve_gateways
from lineside.apps.transport import transport_options
from lineside.domain.errors import ConfigurationError, InputError, IntegrityError, UnavailableError
from lineside.domain.units import MINUTE, SECOND
from lineside.flows.ingest import Ingest, serve_ingest
from lineside.testing.clocks import ManualClock
from lineside.testing.fakes.landing import FakeLanding
from lineside.testing.records import a_record
from lineside.wire.enrolment import EnrolToken, decode_token, encode_token
from lineside.wire.nkeys import user_seed
from lineside.wire.records import Record
from lineside.wire.subjects import Subjects, inbox
from lineside.wire.watermarks import Refusal, read_watermark

SITE, LINE = "works", "dc07"
NOW = 1_795_000_000 * SECOND
LISTEN = "0.0.0.0"  # beyond loopback, so that TLS is spoken


@dataclass
class Plant:
    """A plant's desk, ingest and transport, over TLS, as its process has them."""

    layout: Layout
    server: EmbeddedNats
    state: SqlState
    audit: SqliteAudit
    clock: ManualClock
    bus: NatsBus
    desk: GatewayDesk
    roll: GatewayRoll
    landing: FakeLanding = field(default_factory=FakeLanding)

    @property
    def url(self) -> str:
        return self.server.address.url

    async def token(self, gateway: str = "gw1", line: str = LINE) -> EnrolToken:
        return await self.desk.make_token(gateway, site=SITE, line=line, url=self.url, by="test")

    async def enrolled(self, root: Path, gateway: str = "gw1", line: str = LINE) -> Identity:
        return await enrol(await self.token(gateway, line), Layout(root / gateway), NOW)

    async def audited(self) -> list[str]:
        return [entry.action for entry in await self.audit.entries()]


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Plant]:
    layout, clock = Layout(tmp_path / "plant"), ManualClock(NOW)
    layout.create()
    server = EmbeddedNats(layout.nats, transport_options(layout.keys, LISTEN, time.time_ns()))
    address = await server.start()
    state = open_state(sqlite_url(layout.state))
    audit = await SqliteAudit.open(layout.plant_audit, writer="plant", clock=clock, key=layout.audit_key)
    bus = await NatsBus.open(address, name="plant", within=5)
    desk = GatewayDesk(layout=layout, state=state, audit=audit, clock=clock)
    roll = GatewayRoll(desk=desk)
    made = Plant(layout, server, state, audit, clock, bus, desk, roll)
    await roll.refresh()
    await serve_gateways(bus, desk, roll, Subjects(SITE, LINE))
    ingest = Ingest(
        landing=made.landing, key=b"m" * 32, site=SITE, lines=[LINE], clock=clock, writers=roll, keys=roll.key
    )
    await serve_ingest(bus, ingest, SITE, [LINE])
    yield made
    await bus.close()
    await audit.close()
    state.close()
    await server.stop()


def record(writer: str, sequence: int = 1) -> Record:
    return a_record(sequence, writer=writer, site=SITE, line=LINE)


async def until(condition: Callable[[], bool], within: float = 20.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for is plain state
            await asyncio.sleep(0.02)


async def test_19_a_token_makes_a_gateway_whose_records_land(plant: Plant, tmp_path: Path) -> None:
    identity = await plant.enrolled(tmp_path)
    assert identity.facts.url.startswith("tls://")
    bus = await NatsBus.open(address_of(identity), name="gw1", within=5)
    subjects = subjects_of(identity)
    reply = await bus.request(subjects.ingest, record("gw1").data, 5)
    watermark = read_watermark(reply, watermark_key_of(identity, subjects))
    assert (watermark.sequence, watermark.refusal) == (1, None)
    assert await plant.audited() == ["gateway.token", "gateway.enrolled"]
    await bus.close()


async def test_19_the_private_keys_are_for_their_owner_alone_and_never_sent(plant: Plant, tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def listen(_: str, data: bytes) -> None:
        heard.append(data)

    await plant.bus.subscribe("lineside.>", listen)
    token = await plant.token()
    identity = await enrol(token, Layout(tmp_path / "gw1"), NOW)
    secrets = [path.read_bytes() for path in identity.folder.iterdir() if path.suffix in {".key", ".seed"}]
    assert len(secrets) == 3
    kept = [path.read_bytes() for path in plant.layout.root.rglob("*") if path.is_file()]
    for secret in (*secrets, token.secret, user_seed(token.secret).encode()):
        assert not any(secret in content or secret.hex().encode() in content for content in [*heard, *kept])
    assert heard
    for path in identity.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(identity.folder.stat().st_mode) == 0o700


async def test_19_a_token_is_spent_by_its_first_use(plant: Plant, tmp_path: Path) -> None:
    token = await plant.token()
    first = await enrol(token, Layout(tmp_path / "first"), NOW)
    with pytest.raises(InputError, match="used before, by another device"):
        await enrol(token, Layout(tmp_path / "second"), NOW)
    assert load_identity(Layout(tmp_path / "second").identity) is None
    (known,) = await plant.state.gateways.all()
    assert known.key == first.signer.public.hex()
    assert (await plant.audited())[-1] == "gateway.refused"


async def test_19_the_same_device_may_ask_again_where_the_answer_was_lost(plant: Plant, tmp_path: Path) -> None:
    token, layout = await plant.token(), Layout(tmp_path / "gw1")
    _, request = draft_request(token, layout, NOW)
    await plant.desk.enrol(request)  # the answer never arrives
    identity = await enrol(token, layout, NOW)
    assert [item.key for item in await plant.state.gateways.all()] == [identity.signer.public.hex()]


@pytest.mark.parametrize(
    ("plant_ahead", "changed", "reason"),
    [
        (61 * MINUTE, {}, "expired 1 min ago"),
        (6 * MINUTE, {}, "clock is 360 s behind"),
        (-6 * MINUTE, {}, "clock is 360 s ahead"),
        (0, {"line": "dc08"}, "for the gateway gw1 on line dc07"),
        (0, {"gateway": "gw9"}, "for the gateway gw1 on line dc07"),
        (0, {"site": "elsewhere"}, "for the gateway gw1 on line dc07"),
    ],
)
async def test_19_what_does_not_fit_is_refused_with_its_reason(
    plant: Plant, tmp_path: Path, plant_ahead: int, changed: dict[str, Any], reason: str
) -> None:
    token = await plant.token()
    plant.clock.move(plant_ahead)
    forged = msgspec.structs.replace(token, **changed)
    draft, request = draft_request(forged, Layout(tmp_path / "gw"), NOW)
    with pytest.raises(InputError, match=reason):
        accept(draft, Layout(tmp_path / "gw"), await plant.desk.enrol(request), NOW)
    assert await plant.state.gateways.all() == ()
    assert (await plant.audited())[-1] == "gateway.refused"


async def test_19_a_token_that_is_over_is_refused_at_the_device(plant: Plant, tmp_path: Path) -> None:
    token = await plant.token()
    with pytest.raises(InputError, match="by this device's clock"):
        await enrol(token, Layout(tmp_path / "gw"), token.expires)


async def test_19_who_only_knows_a_tokens_number_cannot_use_it(plant: Plant, tmp_path: Path) -> None:
    token = await plant.token()
    guessed = msgspec.structs.replace(token, secret=b"x" * 32)
    draft, request = draft_request(guessed, Layout(tmp_path / "gw"), NOW)
    with pytest.raises(InputError, match="not signed by a key that is trusted as token"):
        accept(draft, Layout(tmp_path / "gw"), await plant.desk.enrol(request), NOW)


async def test_19_an_answer_of_another_plant_is_refused(plant: Plant, tmp_path: Path) -> None:
    token = await plant.token()
    draft, request = draft_request(msgspec.structs.replace(token, plant=b"p" * 32), Layout(tmp_path / "gw"), NOW)
    with pytest.raises(IntegrityError):
        accept(draft, Layout(tmp_path / "gw"), await plant.desk.enrol(request), NOW)


async def test_19_a_request_can_be_carried_as_a_file(plant: Plant, tmp_path: Path) -> None:
    token, layout = await plant.token(), Layout(tmp_path / "gw1")
    _, request = draft_request(token, layout, NOW)
    assert token.secret not in request
    answer = await plant.desk.enrol(request)
    identity = accept(draft_request(token, layout, NOW)[0], layout, answer, NOW)
    bus = await NatsBus.open(address_of(identity), name="gw1", within=5)
    assert bus.is_connected
    await bus.close()


async def test_19_a_gateway_does_not_run_the_plan_of_another_line(plant: Plant, tmp_path: Path) -> None:
    identity = await plant.enrolled(tmp_path)
    with pytest.raises(ConfigurationError, match="enrolled as gw1 for line dc07"):
        watermark_key_of(identity, Subjects(SITE, "dc08", "gw1"))


async def test_20_a_revoked_gateway_is_cut_off_and_refused(plant: Plant, tmp_path: Path) -> None:
    identity = await plant.enrolled(tmp_path)
    bus = await NatsBus.open(address_of(identity), name="gw1", within=5)
    await plant.desk.revoke("gw1", by="test")
    await until(lambda: not bus.is_connected)
    await asyncio.sleep(1.0)  # several tries of its own to come back
    assert not bus.is_connected
    assert "Authorization" in bus.problem
    await plant.roll.refresh()
    assert "gw1" not in plant.roll
    reply = await plant.bus.request(subjects_of(identity).ingest, record("gw1").data, 5)
    watermark = read_watermark(reply, watermark_key_of(identity, subjects_of(identity)))
    assert watermark.refusal is Refusal.NOT_OURS
    assert "not enrolled" in watermark.refused
    assert (await plant.audited())[-1] == "gateway.revoked"
    await bus.close()


async def test_20_revocation_by_another_process_is_followed_within_a_minute(plant: Plant, tmp_path: Path) -> None:
    identity = await plant.enrolled(tmp_path)
    following = asyncio.create_task(plant.roll.keep())
    bus = await NatsBus.open(address_of(identity), name="gw1", within=5)
    await plant.state.gateways.revoke("gw1", NOW)  # as `lineside gateways revoke` does, but without telling anybody
    await until(lambda: not bus.is_connected and "gw1" not in plant.roll, within=30)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await bus.close()


async def test_20_a_revoked_gateway_can_be_enrolled_again_with_new_keys(plant: Plant, tmp_path: Path) -> None:
    old = await plant.enrolled(tmp_path)
    old_key = old.signer.public
    await plant.desk.revoke("gw1", by="test")
    identity = await plant.enrolled(tmp_path)
    assert identity.signer.public != old_key
    bus = await NatsBus.open(address_of(identity), name="gw1", within=5)
    assert bus.is_connected
    await bus.close()


async def test_20_a_key_is_rotated_under_a_running_connection(plant: Plant, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "gw1")
    identity = await plant.enrolled(tmp_path)
    old = user_seed((identity.folder / "gateway.key").read_bytes())
    bus = await NatsBus.open(address_of(identity), name="gw1", within=5)
    await rotate(layout, NOW)
    (known,) = await plant.state.gateways.all()
    assert known.key == identity.signer.public.hex()

    async def lands() -> bool:
        try:
            await bus.request(subjects_of(identity).ingest, record("gw1").data, 1)
        except UnavailableError:
            return False
        return True

    await plant.roll.refresh()  # the old key is out from here on
    async with asyncio.timeout(20):
        while not await lands():  # noqa: ASYNC110 - what is waited for is a reply
            await asyncio.sleep(0.05)
    stale = await NatsBus.open(address_of(identity, seed=old), name="gw1 before", within=1)
    assert not stale.is_connected
    await stale.close()
    await bus.close()


@dataclass
class Party:
    """A gateway's own client, and what the server complained of."""

    client: Client
    complaints: list[str]

    async def may(self, work: Awaitable[Any]) -> bool:
        """Whether the server let it through."""
        self.complaints.clear()
        try:
            await work
            await self.client.flush(timeout=2)
            await asyncio.sleep(0.05)
        except Exception:  # noqa: BLE001 - whatever it says, it was not let through
            return False
        return not self.complaints


async def party(address: NatsAddress) -> Party:
    complaints: list[str] = []

    async def complain(error: Exception) -> None:
        complaints.append(str(error))

    async with asyncio.timeout(20):
        while True:
            client = Client()
            try:
                await client.connect(**connect_options(address), error_cb=complain, allow_reconnect=False)
            except (errors.Error, OSError):  # the server may just be loading its users anew
                await client.close()
                await asyncio.sleep(0.1)
            else:
                return Party(client, complaints)


async def test_18_a_gateway_reaches_its_own_line_alone(plant: Plant, tmp_path: Path) -> None:
    one = await plant.enrolled(tmp_path, "gw1")
    await plant.enrolled(tmp_path, "gw2")
    own, other, elsewhere = (Subjects(SITE, line, name) for line, name in ((LINE, "gw1"), (LINE, "gw2"), ("x", "gw1")))
    may: list[Callable[[Party], Awaitable[Any]]] = [
        lambda gateway: gateway.client.request(own.ingest, record("gw1").data, timeout=2),
        lambda gateway: gateway.client.publish(f"{own.live}.status", b"x"),
        lambda gateway: gateway.client.subscribe(own.control),
    ]
    may_not: list[Callable[[Party], Awaitable[Any]]] = [
        lambda gateway: gateway.client.publish(other.ingest, b"x"),  # as another gateway
        lambda gateway: gateway.client.publish(f"{other.live}.status", b"x"),
        lambda gateway: gateway.client.publish(elsewhere.ingest, b"x"),  # to another line
        lambda gateway: gateway.client.publish(own.control, b"x"),  # as the plant
        lambda gateway: gateway.client.publish(f"{inbox('gw2')}.a", b"x"),  # an answer to another
        lambda gateway: gateway.client.publish("$JS.API.STREAM.DELETE.ANY", b""),  # administer streams
        lambda gateway: gateway.client.publish("$JS.API.STREAM.CREATE.ANY", b"{}"),
        lambda gateway: gateway.client.publish("$JS.API.CONSUMER.CREATE.ANY", b"{}"),
        lambda gateway: gateway.client.publish("$SYS.REQ.SERVER.PING", b""),
        lambda gateway: gateway.client.subscribe(f"{inbox('gw2')}.>"),  # read another's answers
        lambda gateway: gateway.client.subscribe(other.ingest),
        lambda gateway: gateway.client.subscribe(f"{own.live}.>"),
        lambda gateway: gateway.client.subscribe("_INBOX.>"),
        lambda gateway: gateway.client.subscribe(own.ingest, queue="ingest"),  # impersonate the plant
        lambda gateway: gateway.client.subscribe(own.release, queue="releases"),
        lambda gateway: gateway.client.subscribe(">"),
    ]
    for allowed, attempts in ((True, may), (False, may_not)):
        for number, attempt in enumerate(attempts):
            gateway = await party(address_of(one))
            assert await gateway.may(attempt(gateway)) is allowed, (allowed, number, gateway.complaints)
            await gateway.client.close()


async def test_18_a_record_in_another_gateways_name_is_refused(plant: Plant, tmp_path: Path) -> None:
    identity = await plant.enrolled(tmp_path, "gw1")
    await plant.enrolled(tmp_path, "gw2")
    bus = await NatsBus.open(address_of(identity), name="gw1", within=5)
    reply = await bus.request(subjects_of(identity).ingest, record("gw2").data, 5)
    with pytest.raises(IntegrityError):  # nor can it read the answer, which is signed for the other
        read_watermark(reply, watermark_key_of(identity, subjects_of(identity)))
    assert plant.landing.landed == []
    await bus.close()


async def test_18_a_token_opens_one_question_and_nothing_else(plant: Plant) -> None:
    token = await plant.token()
    address = NatsAddress(
        url=plant.url, seed=user_seed(token.secret), inbox=inbox(token.id), authority=plant.server.address.authority
    )
    for subject in (f"lineside.{SITE}.{LINE}.ingest.gw1", f"lineside.{SITE}.enrolment.other", "$JS.API.INFO"):
        device = await party(address)
        assert not await device.may(device.client.publish(subject, b"x"))
        await device.client.close()
    device = await party(address)
    assert not await device.may(device.client.subscribe(f"lineside.{SITE}.>"))
    await device.client.close()


async def test_18_nobody_comes_in_without_a_key_or_without_the_right_authority(plant: Plant, tmp_path: Path) -> None:
    identity = await plant.enrolled(tmp_path)
    good = address_of(identity)
    for address in (
        NatsAddress(url=good.url, authority=good.authority),
        NatsAddress(url=good.url, seed=good.seed),
        NatsAddress(url=good.url.replace("tls:", "nats:"), seed=good.seed),
        NatsAddress(url=good.url, seed=user_seed(b"s" * 32), authority=good.authority),
    ):
        bus = await NatsBus.open(address, name="stranger", within=1)
        assert not bus.is_connected, address
        await bus.close()


def test_18_a_plain_connection_stays_on_the_machine() -> None:
    with pytest.raises(ConfigurationError, match="without TLS"):
        NatsAddress(url="nats://plant.example:4222")
    for url in ("nats://127.0.0.1:1", "nats://localhost:1", "nats://[::1]:1", "tls://plant.example:4222"):
        assert NatsAddress(url=url).url == url
    assert NatsAddress(url="nats://plant.example:4222", lab=True).lab


def test_19_a_token_that_was_not_copied_whole_is_refused_without_repeating_it() -> None:
    token = EnrolToken("t", "gw", SITE, LINE, "tls://h:1", b"s" * 32, b"p" * 32, b"e" * 32, b"", NOW)
    text = encode_token(token)
    assert decode_token(f" {text}\n") == token
    assert "sss" not in repr(token)
    for broken in (text[:-1], text[1:], text.replace("A", "B"), "", "lineside-enrol.", "x" * 20_000):
        with pytest.raises(InputError, match="not an enrolment token") as caught:
            decode_token(broken)
        assert not broken or broken not in str(caught.value)


def test_19_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    folder.mkdir()
    facts = dict.fromkeys(("gateway", "site", "line", "url", "plant", "exchange"), "x") | {"enrolled": 1}
    (folder / "identity.json").write_text(json.dumps(facts))
    (folder / "gateway.key").write_bytes(os.urandom(32))
    (folder / "gateway.key").chmod(0o644)
    with pytest.raises(ConfigurationError, match="others can read"):
        load_identity(folder)
