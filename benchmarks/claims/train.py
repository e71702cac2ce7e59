"""`train`: a whole fit (choose, learn, validate, export, limit) of parts of 200 features, 2 % nonconforming."""

from measuring.works import Subject, Work

SIZES = (30_000, 100_000, 300_000, 1_000_000)
MOST_OF_PEER = 300_000
"""Parts up to which the peer is measured: beyond, its cross-validation alone takes longer than a run may."""


def _work(parts: int) -> Work:
    peer = Subject(name="lightgbm train and cv", module="train_lightgbm", afresh=True)
    return Work(
        name=f"train {parts:,} parts of 200 features",
        unit="s CPU",
        better="lower",
        subjects=(
            Subject(name="lineside", module="train_lineside", afresh=True),
            *((peer,) if parts <= MOST_OF_PEER else ()),
        ),
        parameters={"parts": parts},
        repetitions=1,
        cores=2,
    )


WORKS = [_work(parts) for parts in SIZES]
