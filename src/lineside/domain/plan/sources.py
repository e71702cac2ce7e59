"""Where readings come from: machines, brokers and files."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from lineside.domain.plan.basics import Named, PositiveDuration
from lineside.domain.units import MILLISECOND, SECOND


class SourceKind(StrEnum):
    """The technology a source speaks."""

    FILES = "files"
    OPCUA = "opcua"
    MQTT = "mqtt"


class SourceSpec(Named):
    """One machine, broker or folder that delivers readings; its secrets come from files or the environment."""

    kind: SourceKind = Field(description="The technology it speaks.")
    url: str = Field("", description="opc.tcp://host:port or mqtt://host:port; empty for files.")
    path: str = Field("", description="File or folder, for kind 'files'.")
    layout: Literal["wide", "long"] = Field(
        "wide", description="Form of the files: a column per signal, or a row per reading."
    )
    time_column: str = Field("", description="Column of the source time; empty where rows have no time.")
    time_format: str = Field("", description="strptime format; empty: ISO 8601 or epoch, found out.")
    time_zone: str = Field("UTC", description="Zone of times that carry none.")
    row_interval: PositiveDuration = Field(SECOND, description="Spacing of rows that have no time.")
    delimiter: str = Field("", max_length=1, description="Of CSV files; empty: found out.")
    decimal: Literal[".", ","] = Field(".", description="Decimal sign of CSV files.")
    topic: str = Field("", description="MQTT topic filter; empty: the topics of the signals.")
    publishing_interval: PositiveDuration = Field(
        100 * MILLISECOND, description="How often an OPC UA server sends what changed."
    )
    sampling_interval: PositiveDuration = Field(
        50 * MILLISECOND, description="How often an OPC UA server looks at a value."
    )
    repeats: bool = Field(
        False, description="Whether an OPC UA server also reports a value that is the same again, by its newer time."
    )
    security: Literal["none", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] = Field(
        "none", description="OPC UA security; 'none' belongs in a laboratory."
    )
    username: str = Field("", description="Name to log in with; empty: anonymous.")
    secret: str = Field(
        "", description="Name of the secret (LINESIDE_SECRET_<NAME> or a file), never the secret itself."
    )
