"""A TCP link with faults: cut, silent one way, slow, reset in mid-message; no root is needed.

Unlike a closed port, a silent link leaves connections open at both ends, as a dead switch or a firewall does.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Final

_CHUNK: Final = 65_536
_LINGER: Final = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class _Pair:
    near: socket.socket
    far: socket.socket


class FaultyLink:
    """Relays a port of loopback to another, in a thread; its faults are attributes that may change at any time.

    ``silent_up`` and ``silent_down`` swallow what goes to and comes from the far end; ``refuse`` takes no new
    connection; ``delay`` seconds are waited before each piece; ``piece`` is the most bytes carried at once.
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
        self.delay, self.piece = 0.0, _CHUNK

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
