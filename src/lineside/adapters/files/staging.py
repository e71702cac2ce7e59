"""One look through a whole file before any of it is decoded: its digest, and for a distant one a copy here.

What is decoded is what was hashed. A distant file is copied in one go and compared with its listing afterwards, so
that a connection which breaks, or a file that changes on the way, never leaves half of it taken.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from lineside.adapters.files.looks import Due
from lineside.adapters.files.places import Found, Place, foreign

CHUNK: Final = 1 << 20
SPARE: Final = 256 << 20
"""Bytes of the disk that copies leave free."""


class ChangedError(OSError):
    """The file is no longer what the look found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Staged:
    """A file that lies here: where, the SHA-256 of its content and of its first ``prefix`` bytes, its last byte.

    ``description`` is where the description of an AQDEF file of values lies.
    """

    path: Path
    digest: str
    prefix_digest: str
    whole: bool
    copied: bool
    description: Path | None = None

    def remove(self) -> None:
        """Remove what was copied."""
        if self.copied:
            self.path.unlink(missing_ok=True)
            if self.description is not None:
                self.description.unlink(missing_ok=True)


def stage(place: Place, due: Due, spool: Path, prefix: int = 0) -> Staged:
    """Read a file through, and copy it into ``spool`` unless it lies on this machine.

    Raises:
        ChangedError: it is another than the look found.
        OSError: it cannot be read now.
    """
    path, digest, before, last = _one(place, due.found, spool, prefix)
    description = None
    if due.description is not None:
        description = _one(place, due.description, spool, 0)[0]
    return Staged(
        path=path,
        digest=digest,
        prefix_digest=before,
        whole=last == b"\n",
        copied=not place.local,
        description=description,
    )


def _one(place: Place, found: Found, spool: Path, prefix: int) -> tuple[Path, str, str, bytes]:
    here = place.path(found.name) if place.local else spool / _spooled(found.name)
    copy = None
    if not place.local:
        spool.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(spool).free < found.size + SPARE:
            raise OSError(f"no room for a copy of {found.size} bytes in {spool}")
        copy = here.open("wb")
    try:
        with foreign(), place.open(found.name) as source:
            size, digest, before, last = _through(source, copy, prefix)
    finally:
        if copy is not None:
            copy.close()
    if size != found.size or place.find(found.name) != found:
        raise ChangedError(f"{found.name} changed while it was read")
    return here, digest, before, last


def _through(source: BinaryIO, copy: BinaryIO | None, prefix: int) -> tuple[int, str, str, bytes]:
    """Return the size, both digests and the last byte of a stream, and copy it on the way."""
    whole = hashlib.sha256()
    size, before, last = 0, whole.hexdigest() if prefix == 0 else "", b""
    while chunk := source.read(CHUNK):
        if size < prefix <= size + len(chunk):
            first = whole.copy()
            first.update(chunk[: prefix - size])
            before = first.hexdigest()
        whole.update(chunk)
        size += len(chunk)
        last = chunk[-1:]
        if copy is not None:
            copy.write(chunk)
    return size, whole.hexdigest(), before, last


def _spooled(name: str) -> str:
    """Return a name for a copy that a hostile name cannot lead astray, with the same ending."""
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:24] + Path(name).suffix[:12]
