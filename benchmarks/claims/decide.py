"""`decide`: from the readings that close a cycle (200 signals of 300 readings) to the alert decided."""

from measuring.works import Subject, Work

WORKS = [
    Work(
        name="decide 200 signals of 300 readings",
        unit="us CPU (p50)",
        better="lower",
        setup="normal",
        subjects=(
            Subject(name="lineside", module="decide_lineside"),
            Subject(name="limit", module="decide_limit"),
        ),
        parameters={"signals": 200},
    )
]
