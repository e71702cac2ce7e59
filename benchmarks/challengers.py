"""How often a challenger is called better that is not, and how soon one that is: ``python benchmarks/challengers.py``.

Parts come one after another, 2 % of them bad; an escape costs 100 and a false alarm 10. Champion and challenger each
miss bad parts and alarm for good ones at given rates, half of the time for the same reason. Somebody looks after every
part and stops at the first *better*. Beside the wager stands the test that would be right for one look at the end: the
t-test of the mean difference, one-sided at 5 %, looked at just as often.
"""

from __future__ import annotations

import argparse

import numpy as np

from lineside.domain.releases.comparing import ALPHA, Wager

PARTS = 20_000
BAD = 0.02
ESCAPE, FALSE_ALARM = 100.0, 10.0
Rates = tuple[float, float]
EQUAL: tuple[tuple[str, Rates, Rates], ...] = (
    ("equal: misses 30 %, false alarms 0.5 %", (0.3, 0.005), (0.3, 0.005)),
    ("equal cost, other mistakes", (0.3, 0.005), (0.2, 0.02541)),
    ("a little worse", (0.3, 0.005), (0.32, 0.006)),
)
BETTER: tuple[tuple[str, Rates, Rates], ...] = (
    ("misses 20 % instead of 30 %", (0.3, 0.005), (0.2, 0.005)),
    ("misses 10 % instead of 30 %", (0.3, 0.005), (0.1, 0.005)),
    ("false alarms 0.5 % instead of 2 %", (0.3, 0.02), (0.3, 0.005)),
)
_Z = 1.6448536269514722
_LEAST = 30
"""Differing parts before the t-test is looked at: with fewer it is not even right once."""


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1000, help="lines that are simulated for each row")
    rounds = parser.parse_args().rounds
    print(f"| not better; {PARTS:,} parts, a look after each | called better by the wager | by the t-test |")
    print("|---|---|---|")
    for number, (name, champion, challenger) in enumerate(EQUAL):
        wager, naive = zip(*_rounds(rounds, number, champion, challenger), strict=True)
        said = (sum(value > 0 for value in item) / rounds for item in (wager, naive))
        print("| " + " | ".join([name, *(f"{value:.1%}" for value in said)]) + " |", flush=True)
    print(f"\n| better | found within {PARTS:,} parts | parts until then, median |\n|---|---|---|")
    for number, (name, champion, challenger) in enumerate(BETTER, len(EQUAL)):
        found = [wager for wager, _ in _rounds(rounds, number, champion, challenger) if wager]
        print(
            f"| {name} | {len(found) / rounds:.0%} | {np.median(found) if found else float('nan'):,.0f} |", flush=True
        )


def _rounds(rounds: int, number: int, champion: Rates, challenger: Rates) -> list[tuple[int, int]]:
    rng = np.random.default_rng(number)
    return [_one(_differences(rng, champion, challenger)) for _ in range(rounds)]


def _differences(rng: np.random.Generator, champion: Rates, challenger: Rates) -> np.ndarray:
    """Return what the challenger saves on each part, scaled by the greatest loss."""
    bad, shared = rng.random(PARTS) < BAD, rng.random(PARTS) < 0.5
    first = rng.random(PARTS)
    second = np.where(shared, first, rng.random(PARTS))
    losses = []
    for drawn, (misses, false) in ((first, champion), (second, challenger)):
        losses.append(np.where(bad, (drawn < misses) * ESCAPE, (drawn < false) * FALSE_ALARM))
    return (losses[0] - losses[1]) / max(ESCAPE, FALSE_ALARM)


def _one(differences: np.ndarray) -> tuple[int, int]:
    """Return after how many parts the wager and the t-test first say better; 0: never."""
    places = np.flatnonzero(differences)
    wager, called = Wager(), 0
    for place in places.tolist():
        wager.see(float(differences[place]))
        if wager.capital >= 1 / ALPHA:
            called = place + 1
            break
    count = np.arange(1, len(differences) + 1)
    mean = np.cumsum(differences) / count
    spread = np.sqrt(np.maximum(np.cumsum(differences**2) / count - mean**2, 1e-300) / count)
    enough = np.cumsum(differences != 0) >= _LEAST
    beyond = np.flatnonzero(enough & (mean / spread > _Z))
    return called, int(beyond[0]) + 1 if len(beyond) else 0


if __name__ == "__main__":
    main()
