"""The chiller of the cooling circuit: a Modbus TCP server in its vendor's word order, behind a gateway that can fail.

It listens from the first moment on at which it has a value for every register, as a controller does that has been
running all along. Its gateway can lose the controller behind it (every request is answered by exception 11) or be
unplugged (nobody listens).
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from lineside.apps.demo.line import Said
from lineside.domain.intake.registers import encode
from lineside.domain.plan.model import ModbusSpec, Plan
from lineside.domain.plan.registers import Register

SOURCE: Final = "chiller"
SIZE: Final = 128
"""Input registers that it has."""
_INPUT: Final = 4


class Trouble:
    """Something that can be wrong with the chiller's gateway, and is put right again."""

    def __init__(self) -> None:
        self.is_cut = False

    def cut(self) -> None:
        """Let it be wrong."""
        self.is_cut = True

    def mend(self) -> None:
        """Put it right."""
        self.is_cut = False


class Chiller:
    """Serves the input registers of the plan's chiller at a port of loopback."""

    def __init__(self, plan: Plan, port: int) -> None:
        """Store what to serve and where."""
        self._spec = plan.source_as(ModbusSpec, SOURCE)
        self._registers: Mapping[str, Register] = {
            signal.id: signal.register
            for signal in plan.signals
            if signal.source == SOURCE and signal.register is not None
        }
        self._port = port
        self._words: dict[int, int] = {}
        self._known: set[str] = set()
        self._server: ModbusTcpServer | None = None
        self.silent = Trouble()
        self.unplugged = Trouble()

    async def say(self, readings: Iterable[Said]) -> None:
        """Take the chiller's readings among these into its registers, and listen if that is what it does now."""
        for reading in readings:
            register = self._registers.get(reading.signal)
            if register is not None:
                self._known.add(reading.signal)
                await self._store(register, reading.value)
        listening = self._known == set(self._registers) and not self.unplugged.is_cut
        if listening and self._server is None:
            await self._listen()
        elif not listening:
            await self.stop()

    async def stop(self) -> None:
        """Stop listening; connections end."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    async def _listen(self) -> None:
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # it tells of every fault that is meant
        bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
        words = [SimData(0, values=[0] * SIZE, datatype=DataType.REGISTERS)]
        device = SimDevice(
            id=self._spec.device, simdata=(bits, list(bits), list(words), words), action=self._before_answering
        )
        self._server = ModbusTcpServer([device], address=("127.0.0.1", self._port))
        await self._server.serve_forever(background=True)
        for address, word in self._words.items():
            await self._server.async_setValues(self._spec.device, _INPUT, address, [word])

    async def _store(self, register: Register, value: float | str) -> None:
        base = self._spec.base if register.base is None else register.base
        data = encode(register, register.order or self._spec.order, value)
        first, words = register.number - base, list(struct.unpack(f">{len(data) // 2}H", data))
        self._words.update(enumerate(words, start=first))
        if self._server is not None:
            await self._server.async_setValues(self._spec.device, _INPUT, first, words)

    async def _before_answering(
        self, _function: int, _start: int, _address: int, _count: int, _registers: Any, written: Any
    ) -> ExcCodes | None:
        return ExcCodes.GATEWAY_NO_RESPONSE if self.silent.is_cut and written is None else None
