"""A broker of MQTT."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lineside.domain.plan.sources.base import SourceKind, TimedSource


class MqttSpec(TimedSource):
    """Messages of a broker, as JSON or plain values."""

    kind: Literal[SourceKind.MQTT] = Field(description="A broker of MQTT.")
    url: str = Field("", description="mqtt://host:port, or mqtts:// for TLS.")
    topic: str = Field("", description="Topic filter; empty: the topics of the signals.")
