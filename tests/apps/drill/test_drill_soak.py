from __future__ import annotations

from dataclasses import replace

from lineside.apps.drill.soak import SoakResult, Use

BEFORE = Use(megabytes=200.0, threads=8, descriptors=20)
RESULT = SoakResult(
    hours=24, accepted=10, in_history=10, lost=0, duplicated=0, restarts=0,
    before={"gateway": BEFORE}, after={"gateway": BEFORE},
)  # fmt: skip


def after(**changes: float) -> SoakResult:
    return replace(RESULT, after={"gateway": replace(BEFORE, **changes)})


def test_what_stays_the_same_passes() -> None:
    assert RESULT.passed
    assert after(megabytes=217.9).passed


def test_memory_threads_and_descriptors_that_grow_are_named() -> None:
    assert after(megabytes=220.0).grown == {"gateway": "memory from 200 to 220 MB"}
    assert "threads" in after(threads=11).grown["gateway"]
    assert "descriptors" in after(descriptors=40).grown["gateway"]


def test_a_loss_or_a_restart_fails() -> None:
    assert not replace(RESULT, lost=1).passed
    assert not replace(RESULT, restarts=1).passed
