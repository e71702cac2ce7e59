"""An agent of MTConnect."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lineside.domain.plan.basics import PositiveDuration
from lineside.domain.plan.sources.base import SourceBase, SourceKind
from lineside.domain.units import SECOND


class MtconnectSpec(SourceBase):
    """The observations of an agent, in the order of its sequence numbers."""

    kind: Literal[SourceKind.MTCONNECT] = Field(description="An agent of MTConnect.")
    url: str = Field("", description="http://host:port, or https:// for TLS.")
    device: str = Field("", description="Name of one device of the agent; empty: all.")
    poll_interval: PositiveDuration = Field(SECOND, description="How often the agent is asked for what is new.")
    timeout: PositiveDuration = Field(5 * SECOND, description="How long the agent may be silent.")
    most: int = Field(1000, ge=1, le=10_000, description="Observations in one answer at most.")
