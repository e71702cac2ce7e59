"""The peers' environments: one per file of `benchmarks/peers`, made on first use and again when the file changes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
MINUTES = 15


class UnavailableError(Exception):
    """A peer's environment cannot be made; the message says why."""


def python_of(environment: str) -> Path:
    """Return the interpreter of an environment, made if need be; of Lineside's own for ``""``.

    Raises:
        UnavailableError: pip could not install it.
    """
    if not environment:
        return Path(sys.executable)
    wanted = BENCHMARKS / "peers" / f"{environment}.txt"
    folder = BENCHMARKS / ".peers" / environment
    stamp, digest = folder / ".made-from", hashlib.sha256(wanted.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        _make(folder, wanted)
        stamp.write_text(digest)
    return folder / "bin" / "python"


def _make(folder: Path, wanted: Path) -> None:
    print(f"   making the environment of {wanted.stem} (first use)", flush=True)
    python = folder / "bin" / "python"
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--requirement", str(wanted)],
    )
    for command in steps:
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MINUTES * 60)
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"not installed within {MINUTES} minutes") from None
        if result.returncode:
            errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
            raise UnavailableError((errors or result.stderr.splitlines() or ["unknown reason"])[-1])
