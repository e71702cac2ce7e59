"""Archives from strangers (workbooks are one): looked through before anything of them is unpacked.

What a directory of a ZIP file says of an entry need not be so. Refused are names that lead out of the archive, links,
encrypted entries, too many entries, too much in all, entries that unpack to far more than they take, and entries that
unpack to more than the directory says (a bomb that lies).
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from lineside.domain.errors import DataError

MOST_ENTRIES: Final = 10_000
MOST_RATIO: Final = 500
"""Bytes that one byte may unpack to: a sheet of nothing but zeros has about 100."""
_SMALL: Final = 1 << 20
"""Below so many bytes no ratio harms."""
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_PIECE: Final = 1 << 16


def check_archive(path: Path, largest: int) -> None:
    """Refuse an archive that must not be unpacked; a file that is none passes.

    Args:
        path: the file.
        largest: bytes that it may hold, unpacked.

    Raises:
        DataError: it must not be unpacked, or is damaged.
    """
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as book, path.open("rb") as raw:
            entries = book.infolist()
            if len(entries) > MOST_ENTRIES:
                raise _refused(path, f"it holds {len(entries)} files; the most that are read are {MOST_ENTRIES}")
            for entry in entries:
                _check_entry(path, entry)
            size = sum(entry.file_size for entry in entries)
            if size > largest:
                raise _refused(path, f"it holds {size} bytes; the largest that is read has {largest}")
            for entry in entries:
                if _unpacked(raw, entry) != entry.file_size:
                    raise _refused(path, f"{entry.filename[:80]!r} unpacks to another size than it says")
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, zlib.error, OSError) as error:
        raise DataError(f"not an archive that can be read, or damaged: {error}", where=path.name) from error


def _check_entry(path: Path, entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or ":" in name.partition("/")[0] or "\0" in entry.orig_filename:
        raise _refused(path, f"the name {entry.filename[:80]!r} leads out of it")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _refused(path, f"{entry.filename[:80]!r} is a link")
    if entry.flag_bits & 1:
        raise _refused(path, "it is encrypted")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise _refused(path, f"{entry.filename[:80]!r} is packed by an unusual method")
    if entry.file_size > max(_SMALL, MOST_RATIO * entry.compress_size):
        raise _refused(path, f"{entry.filename[:80]!r} unpacks to more than {MOST_RATIO} times its size")


def _unpacked(raw: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Return to how many bytes an entry really unpacks, counting no further than one beyond what it says."""
    raw.seek(entry.header_offset)
    local = _LOCAL.unpack(raw.read(_LOCAL.size))
    raw.seek(local[-2] + local[-1], 1)
    if entry.compress_type == zipfile.ZIP_STORED:
        return entry.compress_size
    unpacking, left, size = zlib.decompressobj(-zlib.MAX_WBITS), entry.compress_size, 0
    piece = b""
    while not unpacking.eof and size <= entry.file_size:
        if not piece:
            piece = raw.read(min(_PIECE, left))
            left -= len(piece)
        if not piece:
            break
        size += len(unpacking.decompress(piece, entry.file_size - size + 1))
        piece = unpacking.unconsumed_tail
    return size


def _refused(path: Path, why: str) -> DataError:
    return DataError(f"an archive that is not unpacked: {why}", where=path.name)
