"""Files in a folder, or one alone."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lineside.domain.plan.basics import PositiveDuration
from lineside.domain.plan.sources.base import SourceKind, TimedSource
from lineside.domain.units import SECOND


class FilesSpec(TimedSource):
    """Files that a legacy system writes."""

    kind: Literal[SourceKind.FILES] = Field(description="Files in a folder, or one alone.")
    path: str = Field("", description="File or folder; a relative path starts at the plan's folder.")
    layout: Literal["wide", "long"] = Field(
        "wide", description="Form of the files: a column per signal, or a row per reading."
    )
    row_interval: PositiveDuration = Field(SECOND, description="Spacing of rows that have no time.")
    delimiter: str = Field("", max_length=1, description="Of CSV files; empty: found out.")
    decimal: Literal[".", ","] = Field(".", description="Decimal sign of CSV files.")
