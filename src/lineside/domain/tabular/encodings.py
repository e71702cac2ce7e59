"""Bytes of any encoding to UTF-8, chunk by chunk.

A byte order mark decides, then what the plan states, then the pattern of UTF-16, then whether most of the lines
beyond ASCII are UTF-8; else they are Windows-1252, or code page 850 where bytes stand that 1252 does not have,
unless they would be letters that hardly any text has: remains of binary data stay damaged UTF-8. As long as nothing
but ASCII has come, nothing is decided. Single damaged lines do not decide, and what cannot be decoded stays in the
cells as bytes that are not UTF-8, so that it is refused there and nowhere else.
"""

from __future__ import annotations

import codecs
from typing import Final

from lineside.domain.errors import ConfigurationError

UTF8: Final = "utf-8"
_MARKS: Final = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NOT_1252: Final = frozenset(b"\x81\x8d\x8f\x90\x9d")
_RARE_IN_1252: Final = b"\x83\x86\x88\x89\x8b\x98\x9b\x9f\xa2\xa4\xa5\xa6\xac\xad\xaf\xb8\xd0\xdd\xde\xf0\xfd\xfe\xff"
"""Bytes whose letters and signs hardly occur in texts of a plant (such as eth, thorn and y with diaeresis)."""
_LEAST_SAMPLE: Final = 4
_DAMAGED: Final = b"\xff"
"""Stands where an encoding ends in the middle of a character."""


class Transcoder:
    """Turns the chunks of one file into UTF-8; ``encoding`` is empty until it is known, or given."""

    def __init__(self, encoding: str = "") -> None:
        self.encoding = encoding and known_encoding(encoding)
        self._decoder: codecs.IncrementalDecoder | None = None
        self._first = b""
        self._begun = False

    def feed(self, chunk: bytes, *, final: bool = False) -> bytes:
        """Return what a chunk is in UTF-8; the first bytes of a file may be held back until there are enough."""
        if not self._begun:
            self._first += chunk
            if len(self._first) < _LEAST_SAMPLE and not final:
                return b""
            chunk, self._begun = self._begin(self._first), True
        if not self.encoding and not chunk.isascii():
            self.encoding = guess_encoding(chunk)
        if self.encoding in {"", UTF8}:
            return chunk
        if self._decoder is None:
            errors = "surrogatepass" if self.encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
            self._decoder = codecs.getincrementaldecoder(self.encoding)(errors)
        return self._decoded(chunk, final=final)

    def _begin(self, first: bytes) -> bytes:
        """Take the mark off, or tell UTF-16 by the zero bytes of its ASCII."""
        for mark, encoding in _MARKS:
            if first.startswith(mark):
                self.encoding = encoding
                return first[len(mark) :]
        sample = first[:4096]
        if not self.encoding and b"\0" in sample:
            even, odd = sample[::2].count(0), sample[1::2].count(0)
            if max(even, odd) * 4 > len(sample) and min(even, odd) * 8 < max(even, odd):
                self.encoding = "utf-16-le" if odd > even else "utf-16-be"
        return first

    def _decoded(self, chunk: bytes, *, final: bool) -> bytes:
        assert self._decoder is not None
        try:
            text = self._decoder.decode(chunk, final)
            damaged = b""
        except UnicodeDecodeError as error:
            text, damaged = chunk[: error.start].decode(self.encoding, "replace"), _DAMAGED
            self._decoder.reset()
        return text.encode(
            UTF8, "surrogateescape" if "surrogateescape" in self._decoder.errors else "surrogatepass"
        ) + (damaged)


def known_encoding(name: str) -> str:
    """Return the name by which an encoding is known here.

    Raises:
        ConfigurationError: there is no such encoding of text.
    """
    try:
        found = codecs.lookup(name)
        b"0".decode(found.name)
    except (LookupError, UnicodeError) as error:
        raise ConfigurationError(
            "no such encoding",
            field="encoding",
            value=name,
            choices=("utf-8", "utf-16", "cp1252", "iso-8859-1", "iso-8859-2", "iso-8859-15", "cp850"),
        ) from error
    return UTF8 if found.name in {"ascii", "utf-8-sig"} else found.name


def guess_encoding(data: bytes) -> str:
    """Return the encoding of bytes that are not all ASCII and have no mark."""
    beyond = [line for line in data.split(b"\n") if not line.isascii()]
    damaged = sum(not _is_utf8(line) for line in beyond)
    if damaged * 2 <= len(beyond):
        return UTF8
    if not _NOT_1252.isdisjoint(data):
        return "cp850"
    high = bytes(byte for byte in b"".join(beyond) if byte >= 0x80)
    return UTF8 if 2 * len(high.translate(None, _RARE_IN_1252)) < len(high) else "cp1252"


def _is_utf8(line: bytes) -> bool:
    try:
        codecs.utf_8_decode(line, "strict", False)
    except UnicodeDecodeError:
        return False
    return True
