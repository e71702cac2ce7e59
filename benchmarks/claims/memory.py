"""`memory`: resident memory of a gateway's intake above the process itself, per signal, with every cycle open."""

from measuring.works import Subject, Work

WORKS = [
    Work(
        name=f"memory {signals:,} signals of 300 readings",
        unit="KB/signal",
        better="lower",
        subjects=(
            Subject(name="lineside", module="memory_lineside", afresh=True),
            Subject(name="limit", module="memory_limit", afresh=True),
        ),
        parameters={"signals": signals},
        repetitions=3,
    )
    for signals in (2_000, 20_000)
]
