"""How often drift is seen where there is none, and where there is: ``python benchmarks/drift.py [--rounds N]``.

Windows of several sizes are drawn beside a reference of 50,000 parts of 20 features. Without drift a textbook test
should name 5 % of the features at the level of 5 %, and the verdict at most 1 % of the windows; once with independent
parts, once with parts that resemble their neighbours (AR(1), 0.9). Then one feature moves by a known share of its
standard deviation, or widens, or a relation between two features breaks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from lineside.domain.drift.check import Verdict, check_window
from lineside.domain.drift.reference import Reference, summarise
from lineside.domain.drift.together import check_together, learn_together

FEATURES = 20
REFERENCE = 50_000
WINDOWS = (200, 500, 2_000, 10_000, 50_000)
SHIFTS = (0.1, 0.2, 0.3, 0.5, 1.0)
WIDER = (1.25, 1.5, 2.0)
LEVEL = 0.05
Array = np.ndarray


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="windows per cell of a table")
    rounds = parser.parse_args().rounds
    for lines in (_no_drift(rounds), _power(rounds)):
        for line in lines:
            print(line, flush=True)
        print()


def _no_drift(rounds: int) -> Iterator[str]:
    yield "| parts | made | features named by KS at 5 % | windows with any feature named | together |"
    yield "| --- | --- | --- | --- | --- |"
    for words, memory in (("independent", 0.0), ("AR(1) 0.9", 0.9)):
        random = np.random.default_rng(1)
        before = _parts(random, REFERENCE, memory)
        reference, together = summarise(_names(), before), learn_together(before)
        assert together is not None
        for size in WINDOWS:
            textbook = named = jointly = 0
            for _ in range(rounds):
                window = _parts(random, size, memory)
                found = check_window(reference, window)
                textbook += sum(item.p_equal <= LEVEL for item in found)
                named += _any(found)
                jointly += _any(check_together(together, window))
            yield (
                f"| {size:,} | {words} | {textbook / rounds / FEATURES:.3f} "
                f"| {named / rounds:.3f} | {jointly / rounds:.3f} |"
            )


def _power(rounds: int) -> Iterator[str]:
    yield f"| what changed | {' | '.join(f'{size:,}' for size in WINDOWS)} |"
    yield f"| --- |{' --- |' * len(WINDOWS)}"
    random = np.random.default_rng(2)
    before = _parts(random, REFERENCE, 0.0)
    reference, together = summarise(_names(), before), learn_together(before)
    assert together is not None
    for shift in SHIFTS:
        yield _row(f"one feature moves by {shift:g} of its spread", rounds, random, reference, _moved(shift))
    for times in WIDER:
        yield _row(f"one feature spreads {times:g} times as wide", rounds, random, reference, _widened(times))
    cells = [
        sum(_any(check_together(together, _broken(_parts(random, size, 0.0)))) for _ in range(rounds)) / rounds
        for size in WINDOWS
    ]
    yield f"| a relation of two features breaks, each as before | {' | '.join(f'{cell:.2f}' for cell in cells)} |"


def _row(
    words: str, rounds: int, random: np.random.Generator, reference: Reference, change: Callable[[Array], Array]
) -> str:
    cells = []
    for size in WINDOWS:
        seen = 0
        for _ in range(rounds):
            found = check_window(reference, change(_parts(random, size, 0.0)))
            seen += any(item.name == "f5" and item.verdict is Verdict.DRIFTED for item in found)
        cells.append(f"{seen / rounds:.2f}")
    return f"| {words} | {' | '.join(cells)} |"


def _moved(shift: float) -> Callable[[Array], Array]:
    def change(window: Array) -> Array:
        window[:, 5] += shift
        return window

    return change


def _widened(times: float) -> Callable[[Array], Array]:
    def change(window: Array) -> Array:
        window[:, 5] *= times
        return window

    return change


def _broken(window: Array) -> Array:
    window[:, 1] = np.roll(window[:, 1], 1)
    return window


def _parts(random: np.random.Generator, size: int, memory: float) -> Array:
    """Return parts of unit spread; features 0 and 1 go together (0.95)."""
    found = random.normal(size=(size, FEATURES))
    found[:, 1] = 0.95 * found[:, 0] + np.sqrt(1 - 0.95**2) * found[:, 1]
    if memory:
        step = np.sqrt(1 - memory**2)
        for place in range(1, size):
            found[place] = memory * found[place - 1] + step * found[place]
    return found


def _names() -> list[str]:
    return [f"f{place}" for place in range(FEATURES)]


def _any(found: tuple[object, ...]) -> bool:
    return any(getattr(item, "verdict", None) is Verdict.DRIFTED for item in found)


if __name__ == "__main__":
    main()
