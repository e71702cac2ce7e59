"""A device of Modbus TCP."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lineside.domain.plan.basics import PositiveDuration
from lineside.domain.plan.registers import WordOrder
from lineside.domain.plan.sources.base import SourceBase, SourceKind
from lineside.domain.units import SECOND


class ModbusSpec(SourceBase):
    """Registers of a device, or of several behind one gateway, read again and again."""

    kind: Literal[SourceKind.MODBUS] = Field(description="A device of Modbus TCP.")
    url: str = Field("", description="modbus://host:port; without a port 502.")
    poll_interval: PositiveDuration = Field(SECOND, description="How often signals are read.")
    timeout: PositiveDuration = Field(2 * SECOND, description="How long the device has for an answer.")
    device: int = Field(1, ge=0, le=255, description="Unit behind the address, where a signal names no other.")
    base: Literal[0, 1] = Field(0, description="Number of the first register in the device's manual.")
    order: WordOrder = Field("ABCD", description="Order of bytes and words, where a signal names no other.")
    most_registers: int = Field(125, ge=1, le=125, description="Registers in one read at most; coils 16 times as many.")
    most_unwanted: int = Field(
        16, ge=0, le=124, description="Registers between two signals that are read along to save a request."
    )
