"""`latency`: from a cycle's last reading at the gateway to its alert, committed and on the live subject.

A station of 200 signals; gateway, NATS and plant as they run, all on this machine.
"""

from measuring.works import Subject, Work

WORKS = [
    Work(
        name=f"latency sensor to alert at {rate * 200:,} readings/s",
        unit="ms (p50)",
        better="lower",
        subjects=(
            Subject(name="lineside", module="latency_lineside"),
            Subject(name="limit", module="latency_limit"),
        ),
        setup="cell",
        parameters={"rate": rate},
        cores=2,
    )
    for rate in (50, 500)
]
