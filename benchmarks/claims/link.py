"""`link`: readings from the gateway's outbox to the plant's landing table, fsynced at the far end, by wall time."""

from measuring.works import Subject, Work

WORKS = [
    Work(
        name="link outbox to landing, frames of 8,000",
        unit="readings/s",
        better="higher",
        subjects=(
            Subject(name="lineside", module="link_lineside"),
            Subject(name="limit", module="ingest_append", options={"wall": True}),
            Subject(name="nats jetstream, fsync always", module="link_jetstream"),
        ),
        parameters={"signals": 200, "cycles": 32, "batch": 8_000},
        cores=2,
    )
]
