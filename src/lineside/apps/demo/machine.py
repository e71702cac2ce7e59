"""The casting machine's OPC UA server: one variable per signal, written with the source's own times."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from asyncua import ua
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes

from lineside.apps.demo.line import Said
from lineside.domain.plan.model import Signal, SignalType

NAMESPACE = "urn:lineside:demo:dc-07"
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the library's times are in UTC and carry no zone
_GOOD: Final = ua.StatusCode(ua.UInt32(StatusCodes.Good))
_WAITING: Final = ua.StatusCode(ua.UInt32(StatusCodes.BadWaitingForInitialData))


class Machine:
    """Serves the signals at an endpoint of loopback, without security, as a laboratory would."""

    def __init__(self, port: int, signals: Sequence[Signal]) -> None:
        """Store what to serve and where; the signals' addresses are their node ids."""
        self._port = port
        self._signals = signals
        self._nodes: dict[str, tuple[ua.NodeId, ua.VariantType]] = {}
        self._server = Server()

    async def start(self) -> None:
        """Build the address space and begin to listen."""
        logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of the missing security, which is meant
        await self._server.init()
        self._server.set_endpoint(f"opc.tcp://127.0.0.1:{self._port}")
        self._server.set_server_name("Simulated die-casting cell DC-07")
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        index = await self._server.register_namespace(NAMESPACE)
        folder = await self._server.nodes.objects.add_folder(
            ua.NodeId.from_string(f"ns={index};s=DC07"), f"{index}:DC07"
        )
        for signal in self._signals:
            await self._add(folder, signal, index)
        await self._server.start()

    async def say(self, readings: Iterable[Said]) -> int:
        """Write readings in order; those of signals of other sources are left out. Return how many were written."""
        written = 0
        for reading in readings:
            known = self._nodes.get(reading.signal)
            if known is not None:
                node, kind = known
                await self._server.write_attribute_value(node, _data_value(reading, kind))
                written += 1
        return written

    async def stop(self) -> None:
        """Stop listening."""
        await self._server.stop()

    async def _add(self, folder: Any, signal: Signal, index: int) -> None:
        text = signal.type is SignalType.TEXT
        kind = ua.VariantType.String if text else ua.VariantType.Double
        node = ua.NodeId.from_string(signal.address)
        variable = await folder.add_variable(node, f"{index}:{signal.id}", "" if text else 0.0, kind)
        await self._server.write_attribute_value(variable.nodeid, ua.DataValue(ua.Variant(), _WAITING))
        self._nodes[signal.id] = (node, kind)


def _data_value(reading: Said, kind: ua.VariantType) -> ua.DataValue:
    moment: Any = _EPOCH + timedelta(microseconds=reading.time // 1000)
    return ua.DataValue(ua.Variant(reading.value, kind), _GOOD, moment, moment)
