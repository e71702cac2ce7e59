"""Which Chromium the browser tests drive: one of the system, or one fetched into `.venv/browsers`.

As a script it prints the path; with ``--fetch`` it first fetches one where none is there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FETCHED = Path(__file__).resolve().parent.parent / ".venv" / "browsers"
ADVICE = "install one (on Debian: apt install chromium) or name it in LINESIDE_CHROMIUM"


def find() -> Path | None:
    """Return the Chromium to use: LINESIDE_CHROMIUM, one on the path, one fetched before, or none."""
    named = os.environ.get("LINESIDE_CHROMIUM")
    if named:
        return Path(named) if Path(named).exists() else None
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return Path(found)
    return next(iter(sorted(FETCHED.glob("chromium*/chrome-linux*/*chrome*"))), None)


def fetch() -> None:
    """Have Playwright put its Chromium into `.venv/browsers`, quietly; without a network nothing comes of it."""
    _say("== test: no Chromium found, fetching one into .venv/browsers")
    environment = os.environ | {"PLAYWRIGHT_BROWSERS_PATH": str(FETCHED)}
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        subprocess.run(command, env=environment, timeout=300, check=False, capture_output=True)
    except subprocess.TimeoutExpired:
        _say("   it did not come within five minutes")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Print the path of the Chromium to use; exit code 1 where there is none."""
    if find() is None and "--fetch" in sys.argv:
        fetch()
    path = find()
    _say(f"== test: browser tests will use {path}" if path else f"== test: no Chromium: {ADVICE}")
    return 0 if path else 1


if __name__ == "__main__":
    raise SystemExit(main())
