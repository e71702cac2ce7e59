"""`latency`: from a cycle's last reading to its alert, committed and on the live subject.

Stations of 200 signals; gateway, NATS and plant as they run, all on this machine. The sensor is an edge node that sends
a row of a station as one message of Sparkplug B, by mosquitto; the clock starts when it sends the cycle's last.
"""

from measuring.works import Subject, Work

SHAPES = (
    ("1,000 readings/s: a station, 5 rows a second", 1, 5, 0.2),
    ("10,000 readings/s: 5 stations, 10 rows a second", 5, 10, 2.0),
    ("100,000 readings/s: 50 stations, 10 rows a second", 50, 10, 2.0),
    ("10,000 readings/s: a station, 50 rows a second", 1, 50, 0.2),
    ("100,000 readings/s: a station, 500 rows a second", 1, 500, 0.2),
)
"""Name, stations, rows a second of each, and seconds of a cycle (staggered over the stations)."""

WORKS = [
    Work(
        name=f"latency sensor to alert at {name}",
        unit="ms (p50)",
        better="lower",
        subjects=(
            Subject(name="lineside", module="latency_lineside"),
            Subject(name="limit", module="latency_limit"),
        ),
        setup="cell",
        parameters={"stations": stations, "rate": rate, "seconds": seconds},
        cores=2,
        repetitions=3,
    )
    for name, stations, rate, seconds in SHAPES
]
