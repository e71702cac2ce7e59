"""What the plan asks of the gateway itself: how much it may keep for a plant that is away, and what goes first."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from lineside.domain.plan.basics import PlanModel


class WhenFull(StrEnum):
    """What happens to a signal's readings when the gateway's buffer is full; what goes leaves a counted receipt.

    `drop_oldest`: the oldest that the plant does not have yet go. `drop_newest`: new ones are not kept, until the
    buffer has drained to four fifths. `thin`: every second one of the oldest stretch goes, again and again.
    `aggregates`: count, mean, least and greatest of each minute take the place of the oldest.
    """

    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"
    THIN = "thin"
    AGGREGATES = "aggregates"


class Buffer(PlanModel):
    """How much the gateway keeps while the plant cannot be reached.

    Parts, predictions, alerts and receipts are kept in preference to readings.
    """

    bytes: int = Field(
        8_000_000_000, ge=8_000_000, description="Size on disk; a reading takes 33 bytes at most, mostly 7 to 17."
    )
    hours: float = Field(
        168.0,
        gt=0,
        le=24 * 366,
        allow_inf_nan=False,
        description="Running hours that readings are kept, whatever the clock says.",
    )
    when_full: WhenFull = Field(WhenFull.DROP_OLDEST, description="For signals that do not say it themselves.")
    free_bytes: int = Field(500_000_000, ge=0, description="Free space on the disk that the buffer does not touch.")
    backlog_rate: int = Field(
        32_000_000, gt=0, description="Bytes per second at which a backlog follows; live records go before it."
    )


class Ceilings(PlanModel):
    """How much the gateway may use of its machine before it leaves out detail; parts are never left out."""

    cpu: float = Field(90.0, gt=0, le=100, description="Per cent of all processors, for the gateway's own process.")
    memory: int = Field(2_000_000_000, ge=50_000_000, description="Bytes of memory of the gateway's own process.")
    disk: float = Field(97.0, gt=0, le=100, description="Per cent of the disk, whoever uses it.")


class Gateway(PlanModel):
    """What the plan asks of the gateway itself."""

    ceilings: Ceilings = Field(Ceilings(), description="What it may use of its machine.")
    buffer: Buffer = Field(Buffer(), description="What is kept while the plant cannot be reached.")
