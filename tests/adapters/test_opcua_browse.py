"""Browsing a real server: variables with units and ranges, within bounds, and the command that writes plan lines."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import ua
from click.testing import CliRunner, Result

from lineside.adapters.opcua.browse import browse
from lineside.adapters.opcua.certificates import fingerprint
from lineside.adapters.opcua.options import OpcuaOptions
from lineside.adapters.opcua.session import Session
from lineside.adapters.plan_yaml import check_text
from lineside.cli.source import command
from lineside.domain.errors import InputError, SourceError
from lineside.domain.plan.draft.nodes import Browsed, BrowseLimits
from lineside.domain.plan.model import OpcuaSpec
from lineside.testing.peers.identities import make_identity
from lineside.testing.peers.opcua import LABORATORY, Guard, OpcuaPeer

CELSIUS = ua.EUInformation(NamespaceUri="http://www.opcfoundation.org/UA/units/un/cefact", UnitId=4408652)


async def fill(peer: OpcuaPeer) -> None:
    await peer.add("Die", 210.0, EURange=ua.Range(Low=0.0, High=450.0), EngineeringUnits=CELSIUS)
    await peer.add("Curve", [1.0, 2.0])
    await peer.add("Image", b"\x89PNG")
    for number in range(150):
        await peer.add(f"Zone{number:03}", float(number))


class TestWalk:
    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def peer(cls) -> AsyncIterator[OpcuaPeer]:
        peer = OpcuaPeer()
        await peer.start()
        await fill(peer)
        yield peer
        await peer.stop()

    async def look(self, peer: OpcuaPeer, limits: BrowseLimits) -> Browsed:
        session = Session(OpcuaSpec.model_validate({"id": "plc", "url": peer.url, **LABORATORY}), OpcuaOptions())
        await session.open()
        try:
            return await browse(session, limits)
        finally:
            await session.close()

    @pytest.mark.asyncio(loop_scope="class")
    async def test_variables_come_with_type_unit_and_range_and_the_others_are_counted(self, peer: OpcuaPeer) -> None:
        found = await self.look(peer, BrowseLimits())
        by_name = {node.path[-1]: node for node in found.nodes}
        assert len(found.nodes) == 155
        die = by_name["Die"]
        assert (die.node_id, die.unit_id, die.span) == ("ns=2;s=Press.Die", 4408652, (0.0, 450.0))
        assert die.path == ("Press", "Die")
        assert (by_name["running"].type, by_name["serial"].type) == ("boolean", "text")
        assert found.left_out == {"an array": 1, "neither number, truth value nor text": 1}
        assert not found.cut

    @pytest.mark.asyncio(loop_scope="class")
    async def test_bounds_and_patterns_hold_and_a_cut_is_said(self, peer: OpcuaPeer) -> None:
        few = await self.look(peer, BrowseLimits(most=4))
        assert (len(few.nodes), few.cut) == (4, True)
        zones = await self.look(peer, BrowseLimits(patterns=("press/zone00*",)))
        assert (len(zones.nodes), zones.left_out["of another name"]) == (10, 147)
        shallow = await self.look(peer, BrowseLimits(depth=1))
        assert (shallow.nodes, shallow.cut) == ((), True)


@pytest.fixture(scope="module")
def secure_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcuaPeer]:
    """A server with security in a thread of its own, so that commands can run in this one."""
    peer = OpcuaPeer(Guard(identity=make_identity(tmp_path_factory.mktemp("identity"), "machine")))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> None:
        await peer.start()
        await peer.add("Die", 210.0, EURange=ua.Range(Low=0.0, High=450.0), EngineeringUnits=CELSIUS)

    asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    yield peer
    asyncio.run_coroutine_threadsafe(peer.stop(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)
    loop.close()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)


def test_a_machine_is_trusted_browsed_and_tested_by_commands_alone(secure_peer: OpcuaPeer, tmp_path: Path) -> None:
    assert secure_peer.guard is not None
    seen, output = fingerprint(secure_peer.guard.identity.der), tmp_path / "lines.yaml"
    browsing = ("browse", secure_peer.url, "--data", tmp_path / "data", "--output", output)
    with pytest.raises(SourceError, match=seen) as caught:
        run(*browsing)
    assert f"lineside source browse {secure_peer.url} --source machine --trust" in str(caught.value)
    with pytest.raises(InputError, match="another certificate"):
        run(*browsing, "--trust", "AA:BB")
    assert run(*browsing, "--trust", seen.lower(), "--match", "press/*").exit_code == 0

    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "lineside: 1\nsite: {id: s}\narea: {id: a}\nline: {id: l}\npart: {number: P}\n"
        "stations:\n  - {id: station, cycle: {by: trigger, signal: running}}\n" + output.read_text()
    )
    checked = check_text(plan.read_text(), "plan.yaml")
    assert checked.usable, checked.findings
    assert checked.plan is not None
    die = checked.plan.signal("die")
    assert (die.unit, die.range, die.address) == ("degC", (0.0, 450.0), "ns=2;s=Press.Die")
    result = run("test", plan, "die", "--data", tmp_path / "data")
    assert result.exit_code == 0, result.output
    assert "die: 210 degC" in result.output


def test_trust_shows_the_fingerprint_asks_and_takes_no_for_an_answer(secure_peer: OpcuaPeer, tmp_path: Path) -> None:
    assert secure_peer.guard is not None
    seen, data = fingerprint(secure_peer.guard.identity.der), tmp_path / "data"
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "lineside: 1\nsite: {id: s}\narea: {id: a}\nline: {id: l}\npart: {number: P}\n"
        "stations:\n  - {id: station, cycle: {by: window, length: 1 s}}\n"
        f'sources:\n  - {{id: press, kind: opcua, url: "{secure_peer.url}"}}\n'
        'signals:\n  - {id: die, station: station, source: press, address: "ns=2;s=Press.Die", features: [mean]}\n'
    )
    trusting = ["trust", str(plan), "press", "--data", str(data)]
    refused = CliRunner().invoke(command, trusting, input="n\n")
    assert refused.exit_code == 1
    assert seen in refused.output
    assert not (data / "keys" / "press.peer.crt").exists()
    assert CliRunner().invoke(command, trusting, input="y\n").exit_code == 0
    assert "trusted already" in run(*trusting, "--yes").output
    assert run("test", plan, "die", "--data", data).exit_code == 0


def test_no_security_is_browsed_only_where_it_is_asked_for_twice() -> None:
    with pytest.raises(InputError, match="neither signed nor encrypted"):
        run("browse", "opc.tcp://127.0.0.1:1", "--security", "none")
