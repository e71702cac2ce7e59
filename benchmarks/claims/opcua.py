"""`opcua`: CPU per change of a value, from the socket to a batch of readings, beside the bare client library."""

from measuring.works import Subject, Work

WORKS = [
    Work(
        name="opcua CPU per change, 500 signals at 10 Hz",
        unit="us/change",
        better="lower",
        subjects=(
            Subject(name="lineside", module="opcua_lineside"),
            Subject(name="asyncua", module="opcua_asyncua"),
        ),
        parameters={"signals": 500, "interval_ms": 100, "changes": 20_000},
    )
]
