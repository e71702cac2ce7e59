"""`decide`: from the readings that close a cycle (200 signals of 300 readings) to the alert decided."""

from measuring.works import Subject, Work


def _work(name: str, family: str) -> Work:
    return Work(
        name=name,
        unit="us CPU (p50)",
        better="lower",
        setup="normal",
        subjects=(
            Subject(name="lineside", module="decide_lineside"),
            Subject(name="limit", module="decide_limit"),
        ),
        parameters={"signals": 200, "family": family},
    )


WORKS = [
    _work("decide 200 signals of 300 readings", "normal"),
    _work("decide 200 signals of 300 readings, by trees", "supervised"),
]
