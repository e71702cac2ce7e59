"""The sensor of `latency`: an edge node in a process of its own that sends every row as one message of Sparkplug B.

``python latency_edge.py PORT RATE FILE`` publishes until it is ended, and notes in the file when it sent what ended
each cycle: two integers, the row's own time and the time of sending, UTC ns. Values are encoded before they are
due, so that the sensor takes little of the machine.
"""

from __future__ import annotations

import itertools
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.sparkplug.edge_node import EdgeNode, Offer, is_rebirth_request
from lineside.adapters.sparkplug.sparkplug_b_pb2 import Payload
from subjects.cell import SIGNALS, running

VARIANTS: Final = 100
_NOTE: Final = struct.Struct("<qq")


class Edge:
    """Runs the edge node while it is entered; `sent` says when it sent what has this time."""

    def __init__(self, port: int, rate: int) -> None:
        self._port = port
        self._rate = rate
        self._notes = Path(tempfile.mkdtemp()) / "sent"
        self._process: subprocess.Popen[bytes] | None = None
        self._sent: dict[int, int] = {}

    def __enter__(self) -> Self:
        """Start it."""
        root = Path(__file__).resolve().parent.parent
        command = [sys.executable, "-m", "subjects.latency_edge", str(self._port), str(self._rate), str(self._notes)]
        self._process = subprocess.Popen(command, cwd=root)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._notes.unlink(missing_ok=True)
        self._notes.parent.rmdir()

    @property
    def readings_per_second(self) -> int:
        """All signals in every row, and the trigger."""
        return (SIGNALS + 1) * self._rate

    def sent(self, moment: int) -> int | None:
        """Return when the row of this source time was sent, UTC ns; None where it ended no cycle, as one was lost."""
        if moment not in self._sent:
            notes = self._notes.read_bytes()
            self._sent = dict(_NOTE.iter_unpack(notes[: len(notes) // _NOTE.size * _NOTE.size]))
        return self._sent.get(moment)


def _blocks(node: EdgeNode) -> list[bytes]:
    """Return the values of some rows, encoded."""
    chance = np.random.default_rng(8)
    blocks = []
    for _ in range(VARIANTS):
        payload = Payload()
        for name, value in zip(_names(), chance.normal(5.0, 0.3, SIGNALS).tolist(), strict=True):
            payload.metrics.add(alias=node.aliases[name], datatype=10, double_value=value)
        blocks.append(payload.SerializeToString())
    return blocks


def _names() -> list[str]:
    return [f"s{number}" for number in range(SIGNALS)]


def publish(port: int, rate: int, notes: Path) -> None:
    """Send rows at a rate, until the process is ended."""
    node = EdgeNode("group", "edge", "machine", [Offer(name="run", type="boolean"), *(Offer(name=n) for n in _names())])
    blocks, topic = _blocks(node), node.topic("DDATA")
    client = Client(CallbackAPIVersion.VERSION2, client_id="edge")
    will = node.connect()
    client.will_set(will.topic, will.payload, qos=1)
    asked = [True]

    def command(_client: Client, _data: object, message: MQTTMessage) -> None:
        asked[0] = is_rebirth_request(bytes(message.payload))

    def at_once(_client: Client, _data: object, opened: socket.socket) -> None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    client.on_socket_open = at_once
    client.on_message = command
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe(node.topic("NCMD"), qos=1)
    began, ran, said_at = time.monotonic(), False, 0
    with notes.open("wb", buffering=0) as file:
        for tick in itertools.count():
            time.sleep(max(0.0, began + tick / rate - time.monotonic()))
            if asked[0]:
                asked[0] = False
                for said in node.births(time.time_ns()):
                    client.publish(said.topic, said.payload)
            runs, now = running(tick, rate), time.time_ns()
            said_at = max(said_at + 1, now // 1_000_000)  # milliseconds, and no two rows have the same
            head = Payload(timestamp=said_at, seq=node.number())
            head.metrics.add(alias=node.aliases["run"], datatype=11, boolean_value=runs)
            client.publish(topic, head.SerializeToString() + blocks[tick % VARIANTS])
            if ran and not runs:
                file.write(_NOTE.pack(said_at * 1_000_000, now))
            ran = runs


if __name__ == "__main__":
    publish(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
