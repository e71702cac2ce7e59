"""An endpoint for machines that can only post."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lineside.domain.plan.sources.base import SourceKind, TimedSource


class PushSpec(TimedSource):
    """Signed HTTP requests of machines, to an address of this gateway."""

    kind: Literal[SourceKind.PUSH] = Field(description="Machines post to the gateway.")
    listen: str = Field("", description="HOST:PORT of this gateway on the machines' network, such as 10.20.0.5:8095.")
    most_requests: float = Field(50.0, gt=0, le=10_000, description="Requests per second that are taken.")
