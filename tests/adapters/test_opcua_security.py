"""Security of OPC UA against a real server: policies, the pinned certificate, log-in, and nothing in the clear."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua

from lineside.adapters.opcua.certificates import fingerprint, pin
from lineside.adapters.opcua.options import OpcuaOptions
from lineside.adapters.opcua.probe import probe
from lineside.adapters.opcua.source import open_source
from lineside.apps.link import Link
from lineside.domain.plan.model import OpcuaSpec
from lineside.ports import ProbeReport, ProbeStep
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import reading
from lineside.testing.peers.identities import Identity, make_identity
from lineside.testing.peers.opcua import NODES, Guard, OpcuaPeer
from lineside.testing.plans import plan_with_source

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRUST = "lineside source trust plan.yaml machine --data data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def person(folder: Path) -> Identity:
    return make_identity(folder, "person")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def peer(folder: Path, person: Identity) -> AsyncIterator[OpcuaPeer]:
    guard = Guard(identity=make_identity(folder, "machine"), users={"line": "secret"}, people=(person.der,))
    peer = OpcuaPeer(guard)
    await peer.start()
    await peer.write("temperature", 21.5, WallClock().now())
    yield peer
    await peer.stop()


def options(keys: Path, **more: Any) -> OpcuaOptions:
    own = {"certificate": keys / "opcua.crt", "private_key": keys / "opcua.key", "trusted": keys / "machine.peer.crt"}
    return OpcuaOptions(
        **{**own, "trust": TRUST, "uri": "urn:site:line:lineside:gateway", "password": "secret", **more}
    )


async def attempt(peer: OpcuaPeer, chosen: OpcuaOptions, **fields: Any) -> ProbeReport:
    spec = {"kind": "opcua", "url": peer.url, "username": "line", **fields}
    plan = plan_with_source(spec, addresses=NODES)
    spec_of = plan.source_as(OpcuaSpec, "machine")
    return await probe(plan, spec_of, WallClock(), options=chosen, signals=["temperature"])


def failure(report: ProbeReport) -> ProbeStep:
    [step] = [step for step in report.steps if not step.ok]
    return step


@pytest.mark.parametrize("policy", ["Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep"])
async def test_a_trusted_server_is_read_by_either_policy_with_a_certificate_made_on_first_need(
    peer: OpcuaPeer, tmp_path: Path, policy: str
) -> None:
    assert peer.guard is not None
    pin(tmp_path / "machine.peer.crt", peer.guard.identity.der)
    report = await attempt(peer, options(tmp_path), security=policy)
    assert report.ok, report
    assert report.readings[0].value == 21.5
    assert (tmp_path / "opcua.key").stat().st_mode & 0o077 == 0


async def test_a_server_that_nobody_trusted_is_refused_with_its_fingerprint_and_the_command(
    peer: OpcuaPeer, tmp_path: Path
) -> None:
    assert peer.guard is not None
    step = failure(await attempt(peer, options(tmp_path)))
    assert step.name == "trust"
    assert fingerprint(peer.guard.identity.der) in step.seen
    assert TRUST in step.next_step


async def test_a_changed_certificate_is_refused_with_both_fingerprints(
    peer: OpcuaPeer, tmp_path: Path, folder: Path
) -> None:
    assert peer.guard is not None
    other = make_identity(folder, "other")
    pin(tmp_path / "machine.peer.crt", other.der)
    step = failure(await attempt(peer, options(tmp_path)))
    assert "has changed" in step.seen
    assert fingerprint(other.der) in step.seen
    assert fingerprint(peer.guard.identity.der) in step.seen


async def test_an_impostor_that_shows_the_trusted_certificate_without_its_key_gets_no_password(
    peer: OpcuaPeer, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert peer.guard is not None
    copied = replace(make_identity(folder, "impostor"), certificate=peer.guard.identity.certificate)
    asked: list[str | None] = []
    guard = Guard(identity=copied, users={"line": "secret"})
    monkeypatch.setattr(Guard, "get_user", lambda _self, _server, username=None, **_: asked.append(username))
    impostor = OpcuaPeer(guard)
    await impostor.start()
    pin(tmp_path / "machine.peer.crt", peer.guard.identity.der)
    report = await attempt(impostor, options(tmp_path, timeout=1.0))
    await impostor.stop()
    assert not report.ok
    assert asked == []


async def test_a_certificate_that_ends_soon_works_and_is_warned_of(tmp_path: Path, folder: Path) -> None:
    soon = OpcuaPeer(Guard(identity=make_identity(folder, "soon", ends=10)))
    await soon.start()
    assert soon.guard is not None
    pin(tmp_path / "machine.peer.crt", soon.guard.identity.der)
    await soon.write("temperature", 21.5, WallClock().now())
    report = await attempt(soon, options(tmp_path), username="")
    assert report.ok
    assert "make a new one" in next(step.next_step for step in report.steps if step.name == "certificate")
    plan = plan_with_source({"kind": "opcua", "url": soon.url}, addresses=NODES)
    source = open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock(), options=options(tmp_path))
    async with reading(source) as reader:
        await reader.until(lambda: bool(reader.values("temperature")))
        assert "ends in 9 days" in dict(source.condition.troubles)["certificate"]
    await soon.stop()


async def test_an_expired_certificate_is_refused_even_if_it_is_trusted(tmp_path: Path, folder: Path) -> None:
    expired = OpcuaPeer(Guard(identity=make_identity(folder, "expired", begins=-30, ends=-1)))
    await expired.start()
    assert expired.guard is not None
    pin(tmp_path / "machine.peer.crt", expired.guard.identity.der)
    step = failure(await attempt(expired, options(tmp_path), username=""))
    await expired.stop()
    assert step.name == "certificate"
    assert "not valid now" in step.seen


async def test_a_policy_that_is_not_offered_is_never_replaced_by_a_weaker_one(tmp_path: Path, folder: Path) -> None:
    old = ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt
    policies = (ua.SecurityPolicyType.NoSecurity, old)
    weak = OpcuaPeer(Guard(identity=make_identity(folder, "weak"), policies=policies))
    await weak.start()
    step = failure(await attempt(weak, options(tmp_path), username=""))
    await weak.stop()
    assert step.name == "security"
    assert "does not offer Aes256_Sha256_RsaPss" in step.seen
    assert "Basic256Sha256 SignAndEncrypt" in step.seen


async def test_a_gateway_that_the_server_does_not_trust_is_told_to_be_trusted_there(
    tmp_path: Path, folder: Path
) -> None:
    strict = OpcuaPeer(Guard(identity=make_identity(folder, "strict"), clients=()))
    await strict.start()
    assert strict.guard is not None
    pin(tmp_path / "machine.peer.crt", strict.guard.identity.der)
    step = failure(await attempt(strict, options(tmp_path), username=""))
    await strict.stop()
    assert step.name == "certificate"
    assert "from 'rejected' to 'trusted'" in step.next_step


@pytest.mark.parametrize("fields", [{"username": "line"}, {"username": ""}])
async def test_a_wrong_password_and_nobody_at_all_are_refused_at_log_in(
    peer: OpcuaPeer, tmp_path: Path, fields: dict[str, str]
) -> None:
    assert peer.guard is not None
    pin(tmp_path / "machine.peer.crt", peer.guard.identity.der)
    step = failure(await attempt(peer, options(tmp_path, password="wrong"), **fields))
    assert step.name == "log in"


async def test_a_person_logs_in_by_certificate_and_a_stranger_does_not(
    peer: OpcuaPeer, tmp_path: Path, folder: Path, person: Identity
) -> None:
    assert peer.guard is not None
    pin(tmp_path / "machine.peer.crt", peer.guard.identity.der)
    stranger = make_identity(folder, "stranger")
    fields = {"username": "", "user_certificate": True}
    known = options(tmp_path, user_certificate=person.certificate, user_key=person.key)
    assert (await attempt(peer, known, **fields)).ok
    unknown = options(tmp_path, user_certificate=stranger.certificate, user_key=stranger.key)
    assert failure(await attempt(peer, unknown, **fields)).name == "log in"
    missing = failure(await attempt(peer, options(tmp_path), **fields))
    assert "machine.user.crt" in missing.next_step


async def test_a_source_that_runs_connects_once_a_person_has_trusted_its_server(
    peer: OpcuaPeer, tmp_path: Path
) -> None:
    assert peer.guard is not None
    plan = plan_with_source({"kind": "opcua", "url": peer.url, "username": "line"}, addresses=NODES)
    source = open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock(), options=options(tmp_path))
    async with reading(source) as reader:
        await reader.until(lambda: bool(reader.quarantined))
        assert TRUST in reader.quarantined[0].detail
        pin(tmp_path / "machine.peer.crt", peer.guard.identity.der)
        await reader.until(lambda: bool(reader.values("temperature")))


async def test_a_secured_session_is_taken_up_again_after_a_cut_unless_its_certificate_is_no_longer_trusted(
    peer: OpcuaPeer, tmp_path: Path, folder: Path
) -> None:
    assert peer.guard is not None
    pin(tmp_path / "machine.peer.crt", peer.guard.identity.der)
    link = Link("127.0.0.1", peer.port)
    await link.start()
    spec = {"kind": "opcua", "url": f"opc.tcp://127.0.0.1:{link.port}/peer", "username": "line"}
    plan = plan_with_source(spec, addresses=NODES)
    source = open_source(plan, plan.source_as(OpcuaSpec, "machine"), WallClock(), options=options(tmp_path))
    async with reading(source) as reader:
        await reader.until(lambda: bool(reader.values("temperature")))
        link.cut()
        await reader.until(lambda: any(item.reason == "connection_lost" for item in reader.quarantined))
        link.mend()
        await reader.until(lambda: any("The subscription lived on" in item.detail for item in reader.quarantined))
        link.cut()
        pin(tmp_path / "machine.peer.crt", make_identity(folder, "another").der)
        link.mend()
        await reader.until(lambda: "has changed" in reader.source.condition.reason)
    await link.stop()
