"""A Modbus TCP server in this process, with the signals of `lineside.testing.plans`, that can misbehave on demand."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from lineside.domain.intake.registers import encode
from lineside.domain.plan.registers import SINGLE_BITS, Register, RegisterKind
from lineside.testing.peers.ports import free_port

REGISTERS: Final[Mapping[str, dict[str, Any]]] = {
    "temperature": {"number": 10, "type": "float32", "order": "CDAB"},
    "pressure": {"number": 12, "type": "float32", "order": "CDAB"},
    "running": {"kind": "coil", "number": 3},
    "serial": {"number": 20, "type": "text", "length": 8},
}
SIZE: Final = 256
"""Registers, and bits, of each table."""

Fault = Literal["", "silent", "short", "transaction", "unit", "bytes", "protocol", "reset"]
"""How answers are spoilt: not sent, cut in the middle, of another transaction or unit, with fewer bytes of values than
asked for, of another protocol, or sent by half before the connection is reset."""

_FUNCTIONS: Final[Mapping[RegisterKind, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}


class ModbusPeer:
    """A server that can be stopped and started again, and keeps its memory.

    Args:
        devices: units that answer.
        holes: addresses of holding registers that do not exist.
        most: registers that it reads at once.
    """

    def __init__(self, *, devices: Sequence[int] = (1,), holes: Sequence[int] = (), most: int = 125) -> None:
        self.port = free_port()
        self.fault: Fault = ""
        self.exceptions: dict[int, int] = {}
        """The exception that each unit answers with instead of values."""
        self.mute: set[int] = set()
        """Units that do not answer."""
        self.requests: list[tuple[int, int, int]] = []
        """Function, address and count of each request."""
        self._devices = devices
        self._holes = frozenset(holes)
        self._most = most
        self._memory: dict[tuple[int, RegisterKind, int], int] = {}
        self._server: ModbusTcpServer | None = None

    @property
    def url(self) -> str:
        """The address, as a plan writes it."""
        return f"modbus://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, with what is in its memory."""
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # it tells of every fault that is meant
        devices = [self._device(number) for number in self._devices]
        self._server = ModbusTcpServer(devices, address=("127.0.0.1", self.port), trace_packet=self._spoil)
        await self._server.serve_forever(background=True)
        for (device, kind, address), value in self._memory.items():
            await self._store(device, kind, address, [value])

    async def stop(self) -> None:
        """Stop it; connections end."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    async def write(self, signal: str, value: object) -> None:
        """Set the value of one of `REGISTERS`, as the machine would."""
        await self.write_as(Register.model_validate(REGISTERS[signal]), value)

    async def write_as(self, register: Register, value: object, *, device: int = 1) -> None:
        """Set a value in any register; its base and order default to 0 and ABCD."""
        address = register.number - (register.base or 0)
        if register.kind in SINGLE_BITS:
            words = [int(bool(value))]
        else:
            data = encode(register, register.order or "ABCD", value if isinstance(value, str) else float(value))  # type: ignore[arg-type]
            words = list(struct.unpack(f">{len(data) // 2}H", data))
        self._memory.update({(device, register.kind, address + at): word for at, word in enumerate(words)})
        await self._store(device, register.kind, address, words)

    async def _store(self, device: int, kind: RegisterKind, address: int, words: list[int]) -> None:
        if self._server is not None:
            values: Any = [bool(word) for word in words] if kind in SINGLE_BITS else words
            await self._server.async_setValues(device, _FUNCTIONS[kind], address, values)

    def _device(self, number: int) -> SimDevice:
        async def action(
            function: int, _start: int, _address: int, count: int, _registers: Any, written: Any
        ) -> ExcCodes | None:
            if written is not None:
                return None
            if function in {3, 4} and count > self._most:
                return ExcCodes.ILLEGAL_VALUE
            code = self.exceptions.get(number)
            return None if code is None else ExcCodes(code)

        bits = [SimData(0, values=[False] * SIZE, datatype=DataType.BITS)]
        every = [SimData(0, values=[0] * SIZE, datatype=DataType.REGISTERS)]
        holding = [SimData(at, values=0, datatype=DataType.REGISTERS) for at in range(SIZE) if at not in self._holes]
        return SimDevice(id=number, simdata=(bits, list(bits), holding, every), action=action)

    def _spoil(self, sending: bool, data: bytes) -> bytes:  # noqa: FBT001 - the library's form
        if not sending:
            self.requests.append(struct.unpack(">BHH", data[7:12]))
            return data
        if data[6] in self.mute:
            return b""
        return _spoilt(self.fault, data) if self.fault != "reset" else self._reset(data)

    def _reset(self, data: bytes) -> bytes:
        """Send half of an answer and reset the connection."""
        assert self._server is not None
        for connection in list(self._server.active_connections.values()):
            transport: Any = connection.transport
            transport.write(data[: len(data) // 2])
            plug = transport.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            asyncio.get_running_loop().call_soon(transport.abort)
        return b""


def _spoilt(fault: Fault, data: bytes) -> bytes:
    """Return an answer as a faulty device would send it."""
    spoil: dict[Fault, Callable[[], bytes]] = {
        "silent": lambda: b"",
        "short": lambda: data[:-2],
        "transaction": lambda: bytes([data[0] ^ 0x55]) + data[1:],
        "unit": lambda: data[:6] + bytes([data[6] ^ 0x55]) + data[7:],
        "bytes": lambda: data[:5] + bytes([data[5] - 1]) + data[6:8] + bytes([data[8] - 1]) + data[9:-1],
        "protocol": lambda: data[:2] + b"HT" + data[4:],
    }
    return spoil.get(fault, lambda: data)()
