"""`latency`: from a cycle's last reading to its alert, committed and on the live subject.

A station of 200 signals; gateway, NATS and plant as they run, all on this machine. The
sensor is an edge node that sends all signals as one message of Sparkplug B, by mosquitto; the clock starts when it
sends the cycle's last.
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
        repetitions=3,
    )
    for rate in (5, 50, 500)
]
