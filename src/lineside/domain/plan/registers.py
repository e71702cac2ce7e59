"""Where a signal's value stands in a Modbus device, and how it is written there."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from lineside.domain.plan.basics import PlanModel, PositiveDuration

RegisterKind = Literal["holding", "input", "coil", "discrete"]
RegisterType = Literal[
    "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bool", "bits", "text"
]
WordOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]
"""In which order the bytes A (highest) to D (lowest) of a value of two registers arrive; of four registers alike:
CDAB and DCBA begin with the lowest register, BADC and DCBA with the low byte of each register."""

SINGLE_BITS: Final = frozenset({"coil", "discrete"})
"""The kinds that hold one bit each."""
WIDTHS: Final = {
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "int64": 4,
    "uint64": 4,
    "float32": 2,
    "float64": 4,
    "bool": 1,
    "bits": 1,
}
"""Registers that a value of each type takes; a text takes as many as the plan says."""


class Register(PlanModel):
    """A value in the registers or bits of a Modbus device (Modbus Application Protocol V1.1b3, clause 4.3)."""

    kind: RegisterKind = Field("holding", description="Which of the four tables of the device it is in.")
    number: int = Field(
        ge=0, le=65_536, description="Number in that table, without the leading digit of the 4xxxx notation."
    )
    base: Literal[0, 1] | None = Field(
        None, description="Number of the first register in the device's manual; left out: the source's."
    )
    type: RegisterType | None = Field(
        None, description="How the value is written; left out: uint16, of a coil or discrete input bool."
    )
    order: WordOrder | None = Field(None, description="Order of bytes and words; left out: the source's.")
    device: int | None = Field(None, ge=0, le=255, description="Unit behind the address; left out: the source's.")
    bit: int = Field(0, ge=0, le=15, description="First bit of 'bits', and the bit of 'bool'; 0 is the lowest.")
    length: int = Field(1, ge=1, le=125, description="Bits of 'bits' (at most 16), or registers of 'text'.")
    scale: float = Field(1.0, description="What the raw number is multiplied by.")
    offset: float = Field(0.0, description="What is added after that.")
    interval: PositiveDuration | None = Field(
        None, description="How often it is read; left out: the source's poll_interval."
    )

    @property
    def form(self) -> RegisterType:
        """How the value is written, said or not."""
        return self.type or ("bool" if self.kind in SINGLE_BITS else "uint16")

    @property
    def width(self) -> int:
        """How many registers (or bits) the value takes."""
        return self.length if self.form == "text" else WIDTHS[self.form]
