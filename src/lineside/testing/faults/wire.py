"""A wire between two network namespaces that delays, loses, doubles and reorders packets by chance. Needs root.

Linux has this as ``netem``, which not every kernel brings. Here two TUN devices are its ends, one of them moved into a
namespace of its own, and a thread carries each IP packet from one to the other when its time has come.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from lineside.testing.faults.namespaces import Namespace, namespace

_DEVICE: Final = "/dev/net/tun"
_SET_INTERFACE: Final = 0x400454CA
"""TUNSETIFF of linux/if_tun.h."""
_BARE_PACKETS: Final = 0x0001 | 0x1000
"""IFF_TUN and IFF_NO_PI: IP packets, with nothing before them."""
_LONGEST_PACKET: Final = 65536
_AT_ONCE: Final = 64
_IDLE_SECONDS: Final = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Roughness:
    """What a wire does: seconds of ``delay`` either way give or take ``jitter``, and shares (0 to 1) of packets.

    A packet that ``overtakes`` is carried at once, ahead of all that are delayed; a ``doubled`` one arrives again a
    millisecond later.
    """

    delay: float = 0.0
    jitter: float = 0.0
    lost: float = 0.0
    doubled: float = 0.0
    overtakes: float = 0.0


@dataclass(slots=True)
class Wire:
    """A wire at work; ``roughness`` may be changed at any time, and the counts tell what it did."""

    there: Namespace
    ends: tuple[int, int]
    dice: random.Random
    roughness: Roughness = field(default_factory=Roughness)
    carried: int = 0
    lost: int = 0
    doubled: int = 0
    overtaken: int = 0

    def carry(self, ended: threading.Event) -> None:
        """Carry packets until it is told to end."""
        near, far = self.ends
        waiting: list[tuple[float, int, int, bytes]] = []
        number = 0
        while not ended.is_set():
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                self._hand_over(*heapq.heappop(waiting)[2:])
            pause = min(_IDLE_SECONDS, waiting[0][0] - now) if waiting else _IDLE_SECONDS
            for end in select.select([near, far], [], [], max(0.0, pause))[0]:
                for packet in _arrived(end):
                    for due in self._dues(time.monotonic()):
                        number += 1
                        heapq.heappush(waiting, (due, number, far if end == near else near, packet))

    def _dues(self, now: float) -> list[float]:
        """Return when a packet is to arrive: never, once or twice."""
        rough, chance = self.roughness, self.dice.random
        if chance() < rough.lost:
            self.lost += 1
            return []
        due = now + max(0.0, rough.delay + self.dice.uniform(-rough.jitter, rough.jitter))
        if chance() < rough.overtakes:
            self.overtaken += 1
            due = now
        if chance() < rough.doubled:
            self.doubled += 1
            return [due, due + 0.001]
        return [due]

    def _hand_over(self, end: int, packet: bytes) -> None:
        try:
            os.write(end, packet)
            self.carried += 1
        except OSError:  # the device's queue is full, as a switch's may be
            self.lost += 1


def missing() -> str:
    """Return what is missing to make a wire, beside what namespaces need; empty where nothing is."""
    return "" if os.access(_DEVICE, os.R_OK | os.W_OK) else f"{_DEVICE} cannot be opened"


@contextmanager
def wire(seed: int) -> Iterator[Wire]:
    """Give a namespace at the far end of a wire; both are removed afterwards."""
    with namespace() as there:
        short = there.name.rpartition("-")[2]
        near, far, net = f"lw{short}a", f"lw{short}b", f"10.204.{int(short[:2], 16)}"
        ends = _open_end(near), _open_end(far)
        steps = (
            ["ip", "link", "set", far, "netns", there.name],
            ["ip", "address", "add", f"{net}.1", "peer", f"{net}.2", "dev", near],
            ["ip", "link", "set", near, "up"],
            ["ip", "-n", there.name, "address", "add", f"{net}.2", "peer", f"{net}.1", "dev", far],
            ["ip", "-n", there.name, "link", "set", far, "up"],
        )
        ended = threading.Event()
        made = Wire(replace(there, near=f"{net}.1"), ends, random.Random(seed))  # noqa: S311 - faults, not secrets
        carrier = threading.Thread(target=made.carry, args=(ended,), name="wire", daemon=True)
        carrier.start()
        try:
            for step in steps:
                subprocess.run(step, check=True, capture_output=True)
            yield made
        finally:
            ended.set()
            carrier.join()
            for end in ends:
                os.close(end)


def _open_end(device: str) -> int:
    end = os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, _SET_INTERFACE, struct.pack("16sH22x", device.encode(), _BARE_PACKETS))
    return end


def _arrived(end: int) -> Iterator[bytes]:
    for _ in range(_AT_ONCE):
        try:
            yield os.read(end, _LONGEST_PACKET)
        except BlockingIOError:
            return
