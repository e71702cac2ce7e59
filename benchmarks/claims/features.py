"""`features`: decoded readings to the features of closed cycles, per CPU second of one core.

Batch engines get the whole of it after the fact (Polars: cycle by cycle), whatever the batch size; engines that take
reading by reading get fewer cycles, as their cost per reading does not depend on how many there are.
"""

from measuring.works import Subject, Work

_LINESIDE = Subject(name="lineside", module="features_lineside")
_LIMIT = Subject(name="limit", module="features_limit")
_COLUMNS = tuple(
    Subject(name=name, module=f"features_{name}", environment="dataframes") for name in ("duckdb", "polars", "pandas")
)
PER_READING = (
    Subject(name="river", module="features_river", environment="river", options={"cycles": 2}),
    Subject(name="bytewax", module="features_bytewax", environment="bytewax", options={"cycles": 2}),
    Subject(name="pathway", module="features_pathway", environment="pathway", afresh=True, options={"cycles": 2}),
    Subject(
        name="quixstreams", module="features_quixstreams", environment="quixstreams", afresh=True, options={"cycles": 2}
    ),
)


def _work(
    signals: int, batch: int, cycles: int, peers: tuple[Subject, ...], *, order: bool = True, in_turn: bool = False
) -> Work:
    how = ", in turn" if in_turn else "" if order else ", out of order within 20 ms"
    return Work(
        name=f"features {signals:,} signals, batches of {batch:,}{how}",
        unit="readings/s/core",
        better="higher",
        subjects=(_LINESIDE, _LIMIT, *peers),
        parameters={"signals": signals, "batch": batch, "cycles": cycles, "order": order, "in_turn": in_turn},
        compare="means",
    )


WORKS = [
    _work(200, 200, 32, _COLUMNS),
    _work(200, 2_000, 32, _COLUMNS + PER_READING),
    _work(200, 65_536, 32, _COLUMNS),
    _work(200, 2_000, 32, _COLUMNS, order=False),
    _work(20, 2_000, 320, _COLUMNS),
    _work(2_000, 65_536, 4, _COLUMNS),
    _work(20_000, 65_536, 1, _COLUMNS),
    _work(100_000, 65_536, 1, ()),
    _work(200, 65_536, 32, (), in_turn=True),
    _work(20_000, 65_536, 1, (), in_turn=True),
    _work(100_000, 65_536, 1, (), in_turn=True),
]
