"""Files in a folder, or one alone: on a disk, a mounted share, an SFTP server or an S3 store."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from lineside.domain.plan.basics import Duration, PositiveDuration
from lineside.domain.plan.sources.base import SourceKind, TimedSource
from lineside.domain.units import SECOND

UNFINISHED: Final = (".*", "~$*", "*~", "*.tmp", "*.temp", "*.part", "*.partial", "*.filepart", "*.crdownload", "*.swp")
"""Names under which programs keep files that they have not finished."""


class FilesSpec(TimedSource):
    """Files that a legacy system writes."""

    kind: Literal[SourceKind.FILES] = Field(description="Files in a folder, or one alone.")
    clock_within: PositiveDuration | None = Field(
        None, description="How old its newest rows may be when they come before that is alarmed; empty: any."
    )
    path: str = Field(
        "",
        description="File or folder; a relative path starts at the plan's folder. "
        "Also sftp://user@host:port/folder, s3://bucket/prefix and file:///folder.",
    )
    layout: Literal["wide", "long"] = Field(
        "wide", description="Form of the files: a column per signal, or a row per reading."
    )
    row_interval: PositiveDuration = Field(SECOND, description="Spacing of rows that have no time.")
    delimiter: str = Field("", max_length=1, description="Of CSV files; empty: found out.")
    decimal: Literal[".", ","] = Field(".", description="Decimal sign of CSV and AQDEF files, and of text in Excel's.")
    thousands: Literal["", ".", ",", " ", "'"] = Field(
        "", description="Sign that groups the digits of numbers by three."
    )
    encoding: str = Field(
        "", description="Of CSV and AQDEF files: utf-8, utf-16, cp1252, iso-8859-2, ...; empty: found out."
    )
    sheet: str = Field("", description="Sheet of a workbook; empty: the first.")
    header_line: int = Field(0, ge=0, description="Number of the line with the names of the columns; 0: found out.")
    units_line: bool | None = Field(None, description="Whether units stand under the header; empty: found out.")
    comment: str = Field(
        "", max_length=4, description="What lines begin with that are no rows; empty: found out ('#')."
    )
    include: tuple[str, ...] = Field((), description="Patterns of names that are taken, such as 'press_*.csv'.")
    ignore: tuple[str, ...] = Field(UNFINISHED, description="Patterns of names that are left alone.")
    subfolders: bool = Field(False, description="Take files from the folders below as well.")
    done_marker: str = Field(
        "",
        description="Ending of an empty file that says that one is finished: '.done' for 'run.csv.done' or 'run.done'.",
    )
    min_age: Duration = Field(0, description="How long a file must not have changed before it is taken.")
    look_every: PositiveDuration = Field(SECOND, description="Time between two looks into the folder.")
    after: Literal["leave", "move"] = Field("leave", description="What becomes of a file that was taken.")
    move_to: str = Field("taken", description="Folder below 'path' for files that were taken, with 'after: move'.")
    endpoint: str = Field(
        "", description="Address of an S3 store that is not Amazon's, such as https://minio.plant:9000."
    )
    region: str = Field("", description="Region of an S3 store.")
