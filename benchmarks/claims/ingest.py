"""`ingest`: from bytes as they arrive to features, with every reading checked and durable before it is acknowledged.

The engines do less for their figure than Lineside does: they get decoded rows, and only Quix Streams keeps anything.
"""

from claims.features import PER_READING
from measuring.works import Subject, Work

_LINESIDE = Subject(name="lineside", module="ingest_lineside")

WORKS = [
    Work(
        name="ingest binary frames of 8,000",
        unit="readings/s/core",
        better="higher",
        subjects=(_LINESIDE, Subject(name="limit", module="ingest_append"), *PER_READING),
        parameters={"signals": 200, "cycles": 16, "batch": 8_000, "form": "frames"},
    ),
    Work(
        name="ingest JSON messages of one reading",
        unit="readings/s/core",
        better="higher",
        subjects=(
            _LINESIDE,
            Subject(name="limit", module="ingest_json"),
            Subject(name="orjson", module="ingest_orjson", environment="quixstreams"),
            *PER_READING,
        ),
        parameters={"signals": 200, "cycles": 2, "batch": 2_000, "form": "json"},
    ),
    Work(
        name="ingest to judged parts on two cores, frames of 8,000",
        unit="readings/s",
        better="higher",
        subjects=(
            Subject(name="lineside", module="collect_lineside"),
            Subject(name="limit", module="ingest_append", options={"wall": True}),
        ),
        setup="normal",
        parameters={"signals": 200, "cycles": 32, "batch": 8_000},
        cores=2,
    ),
]
