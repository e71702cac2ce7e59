"""Runs in a subject's own environment: prepares a work, then does it once for every line on standard input.

Usage: ``python worker.py MODULE`` with the work as one line of JSON on standard input. Answers with one line of
JSON each time; whatever the subject prints goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Prepare the work that the first line describes, then do it once per further line."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    work = json.loads(sys.stdin.readline())
    os.sched_setaffinity(0, work["cores"])
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    run = importlib.import_module(f"subjects.{sys.argv[1]}").prepare(work)
    answers.write(json.dumps({"ready": True}) + "\n")
    for _ in sys.stdin:
        answers.write(json.dumps(run()) + "\n")


if __name__ == "__main__":
    main()
