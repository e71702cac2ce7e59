"""A server of OPC UA."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lineside.domain.plan.basics import Duration, PositiveDuration
from lineside.domain.plan.sources.base import SourceBase, SourceKind
from lineside.domain.units import HOUR, MILLISECOND


class OpcuaSpec(SourceBase):
    """A subscription to a server of OPC UA."""

    kind: Literal[SourceKind.OPCUA] = Field(description="A server of OPC UA.")
    url: str = Field("", description="opc.tcp://host:port/path.")
    publishing_interval: PositiveDuration = Field(
        100 * MILLISECOND, description="How often the server sends what changed."
    )
    sampling_interval: PositiveDuration = Field(50 * MILLISECOND, description="How often the server looks at a value.")
    repeats: bool = Field(
        False, description="Whether the server also reports a value that is the same again, by its newer time."
    )
    backfill: Duration = Field(
        HOUR, description="How far back a gap is filled from the server's own history, where it keeps one; 0 s: never."
    )
    security: Literal["none", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] = Field(
        "Aes256_Sha256_RsaPss",
        description="Security policy, always signed and encrypted; 'none' needs 'laboratory: true' beside it.",
    )
    laboratory: bool = Field(False, description="Permits 'security: none': no plant is at stake.")
    user_certificate: bool = Field(
        False, description="Log in with the certificate SOURCE.user.crt of the keys folder instead of a password."
    )
