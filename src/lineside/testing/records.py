"""Records for tests: bodies of every kind, and packed records under a given identity."""

from __future__ import annotations

import numpy as np

from lineside.domain.readings import Catalogue, make_batch
from lineside.wire.codecs import encode_catalogue, encode_readings
from lineside.wire.records import Record, RecordHeader, RecordKind, pack, unpack

CATALOGUE = Catalogue(("melt_temp", "die_temp", "alloy"), frozenset({"alloy"}))
BORN = 1_795_000_000_000_000_000


def a_record(  # noqa: PLR0913 - one argument per field of the header that a test may vary
    sequence: int,
    body: bytes = b"",
    *,
    kind: RecordKind = RecordKind.CATALOGUE,
    count: int = 1,
    writer: str = "gw",
    epoch: str = "e1",
    site: str = "site",
    line: str = "line",
    written: int = BORN,
) -> Record:
    """Return a record of that identity; without a body it carries the catalogue of these tests."""
    body = body or encode_catalogue(CATALOGUE)
    return unpack(pack(RecordHeader(writer, epoch, sequence, site, line, kind, count, written), body))


def a_readings_body(first: int, count: int) -> bytes:
    """Return readings whose values are ``first``, ``first + 1``, ...: each can be found again in the history."""
    times = BORN + np.arange(first, first + count, dtype=np.int64) * 1_000_000
    values = np.arange(first, first + count, dtype=np.float64)
    return encode_readings(make_batch(CATALOGUE, np.zeros(count, dtype=np.int32), times, values))
