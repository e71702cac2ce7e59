"""Measures Lineside beside its peers and its limits: ``python benchmarks/bench.py --out DIR [--only PREFIX]``.

Writes `bench.json` (work, subject, value, unit, better), `details.json` (every single value, and what could not be
measured), `bench.md` and a plot per claim.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import report
from measuring.workers import measure
from measuring.works import Figure, Missing, Work

CLAIMS = (
    "features",
    "ingest",
    "memory",
    "files",
    "score",
    "explain",
    "train",
    "drift",
    "decide",
    "latency",
    "link",
    "opcua",
    "mqtt",
    "poll",
    "board",
)


def works(only: str) -> list[Work]:
    """Return the works whose names begin with a prefix."""
    found: list[Work] = []
    for claim in CLAIMS:
        found += importlib.import_module(f"claims.{claim}").WORKS
    return [work for work in found if work.name.startswith(only)]


def main() -> int:
    """Measure what is asked for; exit code 1 where Lineside itself could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--only", default="", help="only works that begin so, such as 'features'")
    arguments = parser.parse_args()
    chosen = works(arguments.only)
    if not chosen:
        print(f"no work begins with {arguments.only!r}; works begin with: {', '.join(CLAIMS)}")
        return 2
    figures: list[Figure] = []
    missing: list[Missing] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, work in enumerate(chosen, 1):
            print(f"[{number}/{len(chosen)}] {work.name}", flush=True)
            _measure(work, Path(folder), figures, missing)
            report.write(arguments.out, figures, missing)
    report.plot(arguments.out, figures)
    print((arguments.out / "bench.md").read_text())
    return 1 if any(item.subject == "lineside" for item in missing) else 0


def _measure(work: Work, folder: Path, figures: list[Figure], missing: list[Missing]) -> None:
    began = time.monotonic()
    for result in measure(work, folder):
        if isinstance(result, Missing):
            missing.append(result)
            print(f"   {result.subject}: NOT MEASURED: {result.reason}", flush=True)
        else:
            figures.append(result)
            print(f"   {result.subject}: {result.value:,.4g} {work.unit}", flush=True)
    print(f"   {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
