"""One connection to a device of Modbus TCP: one request at a time, and a name for whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from lineside.adapters.modbus.frames import Ask, Frame, Frames, GarbledError, SilentError, request, values_in

_MOST_BYTES: Final = 4096
_TRANSACTIONS: Final = 65_535


class Connection:
    """Asks a device.

    Args:
        host: where it is.
        port: its port.
        timeout: seconds that it has for an answer.
        stray: is told of frames that answer no request, such as those that come too late.
    """

    def __init__(self, host: str, port: int, *, timeout: float, stray: Callable[[Frame], None]) -> None:
        self._host, self._port = host, port
        self._timeout = timeout
        self._stray = stray
        self._frames = Frames()
        self._transaction = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """Connect.

        Raises:
            ConnectionError: the device does not let us.
        """
        try:
            async with asyncio.timeout(self._timeout):
                self._streams = await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError) as error:
            said = str(error) or "no answer in time"
            raise ConnectionError(f"{self._host}:{self._port}: {said}") from error

    async def ask(self, ask: Ask) -> bytes:
        """Return the bytes of the values asked for.

        Raises:
            ConnectionError: the connection is lost, or cannot be understood any more.
            AnswerError: there is no answer, or none with values; the next request may be asked.
        """
        if self._streams is None:
            raise ConnectionError("not connected")
        reader, writer = self._streams
        self._transaction = self._transaction % _TRANSACTIONS + 1
        writer.write(request(ask, self._transaction))
        try:
            async with asyncio.timeout(self._timeout):
                frame = await self._answer(reader)
        except TimeoutError:
            raise self._silence(ask) from None
        except OSError as error:
            raise ConnectionError(str(error) or "the connection broke") from error
        return values_in(frame, ask)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _answer(self, reader: asyncio.StreamReader) -> Frame:
        """Return the frame that answers the request of this transaction."""
        while True:
            data = await reader.read(_MOST_BYTES)
            if not data:
                within = " in the middle of an answer" if self._frames.rest else ""
                raise ConnectionError(f"the device ended the connection{within}")
            wanted = None
            for frame in self._frames.feed(data):
                if frame.transaction == self._transaction and wanted is None:
                    wanted = frame
                else:
                    self._stray(frame)
            if wanted is not None:
                return wanted

    def _silence(self, ask: Ask) -> Exception:
        """Return what a time-out means: half an answer leaves a stream that nobody can follow."""
        if self._frames.rest:
            return ConnectionError(f"an answer was cut short: {GarbledError(self._frames.rest.hex(' '))}")
        return SilentError(f"no answer for {ask} in {self._timeout:g} s")
