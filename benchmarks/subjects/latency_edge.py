"""The sensor of `latency`: an edge node in a process of its own that sends every row as one message of Sparkplug B.

``python latency_edge.py PORT STATIONS RATE SECONDS FILE`` publishes until it is ended: at every tick a row of each
station, whose cycles of so many seconds are staggered. It notes in the file when it sent what ended each cycle: three
integers, the station, the row's own time and the time of sending, UTC ns. Values are encoded before they are due, so
that the sensor takes little of the machine.
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
from subjects.cell import SIGNALS, cycle_ticks, names, running, trigger

VARIANTS: Final = 20
_NOTE: Final = struct.Struct("<qqq")


class Edge:
    """Runs the edge node while it is entered; `sent` says when it sent what has this time."""

    def __init__(self, port: int, stations: int, rate: int, seconds: float) -> None:
        self._arguments = (port, stations, rate, seconds)
        self._notes = Path(tempfile.mkdtemp()) / "sent"
        self._process: subprocess.Popen[bytes] | None = None
        self._sent: dict[tuple[int, int], int] = {}

    def __enter__(self) -> Self:
        """Start it."""
        root = Path(__file__).resolve().parent.parent
        arguments = [*map(str, self._arguments), str(self._notes)]
        command = [sys.executable, "-m", "subjects.latency_edge", *arguments]
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
        _, stations, rate, _ = self._arguments
        return (SIGNALS + 1) * stations * rate

    def sent(self, station: int, moment: int) -> int | None:
        """Return when a station's row of this source time was sent, UTC ns; None where none ended a cycle then."""
        if (station, moment) not in self._sent:
            notes = self._notes.read_bytes()
            whole = _NOTE.iter_unpack(notes[: len(notes) // _NOTE.size * _NOTE.size])
            self._sent = {(number, said_at): sent for number, said_at, sent in whole}
        return self._sent.get((station, moment))


def _blocks(node: EdgeNode, station: int) -> list[bytes]:
    """Return the values of some rows of a station, encoded."""
    chance = np.random.default_rng(8 + station)
    blocks = []
    for _ in range(VARIANTS):
        payload = Payload()
        for name, value in zip(names(station), chance.normal(5.0, 0.3, SIGNALS).tolist(), strict=True):
            payload.metrics.add(alias=node.aliases[name], datatype=10, double_value=value)
        blocks.append(payload.SerializeToString())
    return blocks


class _Station:
    """One machine behind the edge node: what it says next, and when it said what ended a cycle."""

    def __init__(self, node: EdgeNode, number: int, cycle: int) -> None:
        self._node = node
        self._number = number
        self._cycle = cycle
        self._blocks = _blocks(node, number)
        self._ran = False
        self._said_at = 0

    def row(self, tick: int) -> tuple[bytes, bytes]:
        """Return the message of a tick, and what is to be noted of it: nothing where it ends no cycle."""
        tick += self._number
        runs, now = running(tick, self._cycle), time.time_ns()
        self._said_at = max(self._said_at + 1, now // 1_000_000)  # milliseconds, and no two rows have the same
        head = Payload(timestamp=self._said_at, seq=self._node.number())
        head.metrics.add(alias=self._node.aliases[trigger(self._number)], datatype=11, boolean_value=runs)
        ends, self._ran = self._ran and not runs, runs
        note = _NOTE.pack(self._number, self._said_at * 1_000_000, now) if ends else b""
        return head.SerializeToString() + self._blocks[tick % VARIANTS], note


def publish(port: int, stations: int, rate: int, seconds: float, notes: Path) -> None:
    """Send rows at a rate, until the process is ended."""
    offers = [
        offer
        for number in range(stations)
        for offer in (Offer(name=trigger(number), type="boolean"), *(Offer(name=name) for name in names(number)))
    ]
    node = EdgeNode("group", "edge", "machine", offers)
    machines = [_Station(node, number, cycle_ticks(rate, seconds)) for number in range(stations)]
    topic = node.topic("DDATA")
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
    began = time.monotonic()
    with notes.open("wb", buffering=0) as file:
        for tick in itertools.count():
            time.sleep(max(0.0, began + tick / rate - time.monotonic()))
            if asked[0]:
                asked[0] = False
                for said in node.births(time.time_ns()):
                    client.publish(said.topic, said.payload)
            for machine in machines:
                message, note = machine.row(tick)
                client.publish(topic, message)
                if note:
                    file.write(note)


if __name__ == "__main__":
    publish(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), Path(sys.argv[5]))
