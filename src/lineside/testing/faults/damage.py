"""Damage to files, as a failing disk does it: seeded, so that a test can be repeated."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

_BLOCK: Final = 4096


def flip_bits(path: Path, seed: int, count: int = 8) -> None:
    """Flip single bits all over a file."""
    choose, data = random.Random(seed), bytearray(path.read_bytes())  # noqa: S311 - repeatable damage
    for _ in range(count):
        data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    path.write_bytes(data)


def garbage(path: Path, seed: int) -> None:
    """Overwrite a block in the second tenth of a file with noise."""
    choose, size = random.Random(seed), path.stat().st_size  # noqa: S311 - repeatable damage
    with path.open("r+b") as file:
        file.seek(size // 10)
        file.write(choose.randbytes(min(_BLOCK, size - size // 10)))


def cut_short(path: Path, seed: int) -> None:
    """Cut the last third off a file."""
    del seed
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 2 // 3)


def empty(path: Path, seed: int) -> None:
    """Leave a file without a byte, as a power cut leaves one that was never synced."""
    del seed
    path.write_bytes(b"")


def zeroes(path: Path, seed: int) -> None:
    """Overwrite a file with zeroes of its own length."""
    del seed
    path.write_bytes(b"\0" * path.stat().st_size)


DAMAGE: Final[Mapping[str, Callable[[Path, int], None]]] = {
    "flipped bits": flip_bits,
    "garbage": garbage,
    "cut short": cut_short,
    "empty": empty,
    "zeroes": zeroes,
}
"""Every kind of damage, by name; each takes the file and a seed."""
