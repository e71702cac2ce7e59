"""`lineside source browse mqtt://...` writes the lines of a plan from births, heard at a real broker."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload
from lineside.cli import root
from lineside.testing.peers.brokers import BrokerProcess, mosquitto
from lineside.testing.peers.sparkplug import EdgePeer

KEPT = Payload(timestamp=1_750_000_000_000).SerializeToString()
pytestmark = pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[EdgePeer]:
    broker = BrokerProcess("mosquitto", tmp_path)
    asyncio.run(broker.start())
    edge = EdgePeer(broker.port)
    asyncio.run(edge.connect())
    yield edge
    edge.close()
    asyncio.run(broker.stop())


def browse(edge: EdgePeer, *arguments: str) -> Result:
    return CliRunner().invoke(root, ["source", "browse", f"mqtt://127.0.0.1:{edge.port}", *arguments])


def test_births_that_are_asked_for_become_signals_with_their_units_and_ranges(edge: EdgePeer) -> None:
    assert edge.client is not None
    # A message of the edge node that the broker keeps stands for one that comes while it is listened to.
    edge.client.publish(edge.node.topic("DDATA"), KEPT, qos=1, retain=True).wait_for_publish(10)
    found = browse(edge, "--ask", "--seconds", "2", "--match", "*/TEMPERATURE", "--match", "*/serial")
    assert found.exit_code == 0, found.output
    lines = YAML(typ="safe").load(found.output)
    assert lines["sources"] == [{"id": "machine", "kind": "sparkplug", "url": f"mqtt://127.0.0.1:{edge.port}"}]
    serial, temperature = lines["signals"]
    assert temperature["address"] == "foundry/edge7/press#temperature"
    assert (temperature["unit"], temperature["range"]) == ("degC", [0.0, 300.0])
    assert (serial["type"], serial["role"]) == ("text", "context")
    assert edge.births == 2


def test_without_asking_nothing_is_written_to_the_edge_node_and_what_is_silent_is_counted(edge: EdgePeer) -> None:
    assert edge.client is not None
    edge.client.publish(edge.node.topic("DDATA"), KEPT, qos=1, retain=True).wait_for_publish(10)
    found = browse(edge, "--seconds", "0.5")
    assert "Left out: 1 edge nodes that were heard and not born" in found.output
    assert edge.births == 1


def test_a_broker_that_is_not_there_is_an_error_in_words() -> None:
    found = CliRunner().invoke(root, ["source", "browse", "mqtt://127.0.0.1:1", "--seconds", "0.1"])
    assert found.exit_code != 0
    assert "127.0.0.1:1" in str(found.output) + str(found.exception)
