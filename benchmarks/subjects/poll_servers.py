"""The machines that `poll` asks, in a process of their own: fixed answers, given as fast as possible.

``python poll_servers.py`` prints the ports of its Modbus and its HTTP server, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
from pathlib import Path

VALUES = 60
BEGIN = 1_795_000_000_000_000_000


def start() -> tuple[subprocess.Popen[str], int, int]:
    """Start the process, and return it with the ports of Modbus and HTTP."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    modbus, http = process.stdout.readline().split()
    return process, int(modbus), int(http)


def registers() -> bytes:
    """Return 60 floats as a device sends them, low word first."""
    words = b"".join(struct.pack(">f", 20.0 + number / 8) for number in range(VALUES))
    return b"".join(words[at + 2 : at + 4] + words[at : at + 2] for at in range(0, len(words), 4))


async def _modbus(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    body = bytes([3, 4 * VALUES]) + registers()
    try:
        while True:
            head = await reader.readexactly(12)
            writer.write(head[:4] + struct.pack(">HB", len(body) + 1, head[6]) + body)
    except (OSError, asyncio.IncompleteReadError):
        writer.close()


class _Http:
    """Answers: a JSON object at every path, and an MTConnect document at paths that name one."""

    def __init__(self) -> None:
        self._sequence = 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = self._answer(head.split(b" ", 2)[1].decode())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    def _answer(self, path: str) -> bytes:
        what = path.partition("?")[0].rpartition("/")[2]
        self._sequence += VALUES
        if what == "probe":
            items = "".join(f'<DataItem id="s{number}"/>' for number in range(VALUES))
            return f'<MTConnectDevices><Header instanceId="1"/><Devices>{items}</Devices></MTConnectDevices>'.encode()
        if what in {"current", "sample"}:
            return self._streams()
        time = BEGIN + self._sequence
        return json.dumps({"ts": time, "v": {f"s{number}": 20.0 + number / 8 for number in range(VALUES)}}).encode()

    def _streams(self) -> bytes:
        first = self._sequence
        stamp = f"2026-11-18T13:46:{first // VALUES % 60:02}.{first % 1_000_000_000:09}Z"
        loads = "".join(
            f'<Load dataItemId="s{number}" timestamp="{stamp}" sequence="{first + number}">{20 + number / 8}</Load>'
            for number in range(VALUES)
        )
        header = f'firstSequence="1" lastSequence="{first + VALUES - 1}" nextSequence="{first + VALUES}"'
        return (
            '<MTConnectStreams xmlns="urn:mtconnect.org:MTConnectStreams:1.3">'
            f'<Header instanceId="1" {header}/><Streams>'
            f"<DeviceStream><ComponentStream><Samples>{loads}</Samples></ComponentStream></DeviceStream>"
            "</Streams></MTConnectStreams>"
        ).encode()


async def _main() -> None:
    modbus = await asyncio.start_server(_modbus, "127.0.0.1", 0)
    http = await asyncio.start_server(_Http().serve, "127.0.0.1", 0)
    print(modbus.sockets[0].getsockname()[1], http.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
