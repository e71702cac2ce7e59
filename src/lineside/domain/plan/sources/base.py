"""What sources of every kind have in common."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from lineside.domain.plan.basics import Named, PositiveDuration
from lineside.domain.units import SECOND


class SourceKind(StrEnum):
    """The technology a source speaks."""

    FILES = "files"
    OPCUA = "opcua"
    MQTT = "mqtt"
    MODBUS = "modbus"
    MTCONNECT = "mtconnect"
    SPARKPLUG = "sparkplug"
    REST = "rest"
    PUSH = "push"


class SourceBase(Named):
    """One machine, broker or folder that delivers readings; its secrets come from files or the environment."""

    kind: SourceKind = Field(description="The technology it speaks.")
    username: str = Field("", description="Name to log in with; empty: anonymous.")
    secret: str = Field(
        "", description="Name of the secret (LINESIDE_SECRET_<NAME> or a file), never the secret itself."
    )

    clock_within: PositiveDuration | None = Field(
        2 * SECOND, description="How far its clock may be from the gateway's before that is alarmed; empty: any."
    )


class TimedSource(SourceBase):
    """A source whose times are written as text or numbers that have to be read."""

    time_column: str = Field("", description="Column or path of the source time; empty where there is none.")
    time_format: str = Field("", description="strptime format; empty: ISO 8601 or epoch, found out.")
    time_zone: str = Field("UTC", description="Zone of times that carry none.")
