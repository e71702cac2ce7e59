"""A broker of MQTT."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lineside.domain.plan.basics import PositiveDuration
from lineside.domain.plan.sources.base import SourceBase, SourceKind, TimedSource
from lineside.domain.units import DAY


class BrokerSource(SourceBase):
    """A source whose readings come by way of a broker of MQTT."""

    url: str = Field("", description="mqtt://host:port, or mqtts:// for TLS.")
    version: Literal["3.1.1", "5"] = Field("3.1.1", description="Version of MQTT that is spoken with the broker.")


class MqttSpec(BrokerSource, TimedSource):
    """Messages of a broker, as JSON or plain values."""

    kind: Literal[SourceKind.MQTT] = Field(description="A broker of MQTT.")
    topic: str = Field("", description="Topic filter; empty: the topics of the signals.")
    session_expiry: PositiveDuration = Field(
        7 * DAY, description="How long the broker keeps messages for an absent gateway; said to it by MQTT 5 alone."
    )
