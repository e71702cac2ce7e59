"""A year with events: `python benchmarks/year_events.py --out DIR [--seeds 3] [--seed S]`.

The simulated cell goes through its year, and beside all that every year has, two instruments are in trouble for a week
each, inspection goes silent, and a change of the die makes short shots of what were good parts. The plant's own watch,
trainings and ladder meet it. Written are ``year_events.json``, with every shift of every seed, and ``year_events.md``.
docs/explanation/a-year-of-the-cell.md says what the year is and is not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

from seasons.events import run_events
from seasons.telling import as_markdown, told
from year import PLAN, about, the_plan


def main() -> None:
    """Run the seeds that were asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3, help="How many, from the first one on.")
    parser.add_argument("--seed", type=int, default=1, help="The first one.")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    out, seeds = arguments.out.resolve(), list(range(arguments.seed, arguments.seed + arguments.seeds))
    out.mkdir(parents=True, exist_ok=True)

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    results = []
    for seed in seeds:
        tell(f"== seed {seed}")
        found = asyncio.run(run_events(PLAN.read_text(encoding="utf-8"), seed, tell))
        results.append({**told(found), "shifts": found["shifts"], "counts": found["counts"], "steps": found["steps"]})
        facts = about(the_plan(), [item["seed"] for item in results], None)
        (out / "year_events.json").write_text(json.dumps({"about": facts, "seeds": results}, indent=1) + "\n")
        (out / "year_events.md").write_text(as_markdown(facts, results), encoding="utf-8")
    print(as_markdown(facts, results))


if __name__ == "__main__":
    main()
