"""An endpoint of HTTP that answers with JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lineside.domain.plan.basics import PositiveDuration
from lineside.domain.plan.sources.base import SourceKind, TimedSource
from lineside.domain.units import SECOND


class RestSpec(TimedSource):
    """An endpoint that is asked again and again: for its present values, or for the rows that are new."""

    kind: Literal[SourceKind.REST] = Field(description="An endpoint of HTTP that answers with JSON.")
    url: str = Field("", description="Address of the endpoint with its fixed query, http:// or https://.")
    poll_interval: PositiveDuration = Field(SECOND, description="How often it is asked.")
    timeout: PositiveDuration = Field(5 * SECOND, description="How long the server may be silent.")
    secret_header: str = Field(
        "", pattern=r"^[A-Za-z0-9-]*$", description="Header that carries the secret; empty: basic or bearer."
    )
    rows: str = Field("", description="Path of the list of rows, such as $.items; empty: the answer is one row.")
    signal_path: str = Field(
        "", description="Path in a row of the signal's address, where a row holds one value; empty: a row holds many."
    )
    value_path: str = Field("", description="Path in a row of the value, with signal_path.")
    since: str = Field("", description="Query parameter that asks for the rows behind a cursor; empty: none.")
    cursor: str = Field("", description="Path of the cursor: in a row, or with next_cursor in the answer.")
    next_cursor: bool = Field(False, description="Whether the cursor stands in the answer beside its rows.")
    first: str = Field("", description="Cursor of the very first request; empty: the parameter is left out.")
    page: int = Field(100, ge=1, description="Rows in an answer from which on the next is asked for at once.")
