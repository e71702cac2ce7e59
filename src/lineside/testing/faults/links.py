"""A TCP link with faults: cut, silent one way, slow, reset in mid-message, or all of it by chance; no root is needed.

Unlike a closed port, a silent link leaves connections open at both ends, as a dead switch or a firewall does.
"""

from __future__ import annotations

import random
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Final

_CHUNK: Final = 65_536
_BREAKS, _STALLS, _RESENT = 0.01, 0.01, 0.2
_LINGER: Final = struct.pack("ii", 1, 0)


class BadNetwork:
    """What loss, delay, reordering and duplication of packets do to those who speak TCP, by chance.

    TCP hides lost and shuffled packets by sending them again, so above it they are pieces that come late, now and
    then by seconds, and connections that end in mid-message. Whoever waits for an answer and asks again then sends
    twice, and is answered out of turn. ``seed`` makes the same chances again.
    """

    def __init__(self, seed: int) -> None:
        self._choose = random.Random(seed)  # noqa: S311 - a fault that can be repeated
        self.resets = 0

    def lets_through(self) -> bool:
        """Wait as long as a piece takes; return False where its connection breaks instead."""
        chance = self._choose.random()
        if chance < _BREAKS:
            self.resets += 1
            return False
        if chance < _BREAKS + _STALLS:
            time.sleep(self._choose.uniform(1.0, 4.0))  # a retransmission that was lost as well
        elif chance < _BREAKS + _STALLS + _RESENT:
            time.sleep(self._choose.uniform(0.2, 0.6))  # one retransmission
        else:
            time.sleep(self._choose.uniform(0.0, 0.03))
        return True


@dataclass(slots=True)
class _Pair:
    near: socket.socket
    far: socket.socket


class FaultyLink:
    """Relays a port of loopback to another, in a thread; its faults are attributes that may change at any time.

    ``silent_up`` and ``silent_down`` swallow what goes to and comes from the far end; ``refuse`` takes no new
    connection; ``delay`` seconds are waited before each piece; ``piece`` is the most bytes carried at once; ``bad``
    does by chance what a bad network does to TCP.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[_Pair] = []
        self._lock = threading.Lock()
        self._open = True
        self.silent_up = self.silent_down = self.refuse = False
        self.delay = 0.0
        self.piece = _CHUNK
        self.bad: BadNetwork | None = None
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The address of this end, for NATS."""
        return f"nats://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Say nothing more in either direction, and leave connections open."""
        self.silent_up = self.silent_down = self.refuse = True

    def mend(self) -> None:
        """Carry everything again; connections that were silent are closed, for they have lost bytes."""
        if self.silent_up or self.silent_down:
            self.reset()
        self.silent_up = self.silent_down = self.refuse = False
        self.delay, self.piece, self.bad = 0.0, _CHUNK, None

    def reset(self) -> None:
        """Reset every connection at both ends."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in (pair.near, pair.far):
                _reset(end)

    def close(self) -> None:
        """Stop relaying."""
        self._open = False
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        while self._open:
            try:
                near, _ = self._listener.accept()
                if self.refuse:
                    _reset(near)
                    continue
                far = socket.create_connection(self._target, timeout=5)
            except OSError:
                continue
            far.settimeout(None)
            pair = _Pair(near, far)
            with self._lock:
                self._pairs.append(pair)
            threading.Thread(target=self._carry, args=(pair,), daemon=True).start()

    def _carry(self, pair: _Pair) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(pair.near, selectors.EVENT_READ, (pair.far, True))
            ready.register(pair.far, selectors.EVENT_READ, (pair.near, False))
            try:
                while self._open:
                    for key, _ in ready.select(timeout=0.5):
                        source, (target, up) = key.fileobj, key.data
                        assert isinstance(source, socket.socket)
                        data = source.recv(min(self.piece, _CHUNK))
                        if not data:
                            raise ConnectionError
                        if self.silent_up if up else self.silent_down:
                            continue
                        time.sleep(self.delay)
                        if self.bad is not None and not self.bad.lets_through():
                            raise ConnectionError
                        target.sendall(data)
            except (OSError, ValueError):
                _reset(pair.near)
                _reset(pair.far)


def _reset(end: socket.socket) -> None:
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        end.close()
