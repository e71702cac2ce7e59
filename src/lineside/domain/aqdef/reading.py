"""Lines of an AQDEF file to value sets; sans-IO.

Theory of operation. A line is a K-field (``K2001/3 text``: the field, the index of the part or characteristic it
belongs to, its content), or values in the compact form: characteristic after characteristic behind 0x0F, and for each
its fields in a fixed order behind 0x14. A characteristic belongs to the part that was spoken of last before it.

Values count for each characteristic; the n-th values of the characteristics of one part are one *value set*: what was
measured on one piece. In the compact form a line is a set (one for each part). As K-fields, the values of one
characteristic may stand before those of the next, so sets go out at the end, in the order in which they began; a
field that comes again begins the next value. A value field of index 0 holds for the whole newest set, and fields that
follow a line of the compact form (it has no place for K0014, the piece's own number) belong to that line, which waits
for the next one.

K0008 names the inspector: it is dropped where it is read unless the reader is given a pseudonymiser, and stands
nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lineside.domain.aqdef.description import Description
from lineside.domain.errors import DataError
from lineside.domain.intake.reasons import Reason, Refusal, refuse
from lineside.domain.tabular.encodings import Transcoder
from lineside.domain.tabular.lines import LineCutter, LongLine

CHARACTERISTICS: Final = b"\x0f"
FIELDS: Final = b"\x14"
"""Separators of the compact form: between characteristics, and between the fields of one."""
INSPECTOR: Final = "K0008"
BATCH: Final = "K0006"
"""Written with a leading # in the compact form."""
_CHANGED: Final = frozenset({INSPECTOR, BATCH})
MEASURED: Final = ("K0001", "K0002", "K0004", "K0005", "K0006", "K0007", INSPECTOR, "K0010", "K0011", "K0012")
_BETWEEN, _WITHIN = CHARACTERISTICS.decode(), FIELDS.decode()
COUNTED: Final = ("K0020", "K0021", "", *MEASURED[1:])
"""The order of fields in the compact form, of measured and of counted characteristics; an empty one means nothing."""
MOST_VALUES: Final = 2_000_000
"""Values as K-fields that one file may hold: they wait for its end."""
MOST_INDICES: Final = 100_000
_FIELD: Final = re.compile(rb"(K\d{4})(?:/(\d{1,9})(?:/(\d{1,9}))?)?(?:[ \t]+(.*))?", re.DOTALL)
_COMPACT: Final = re.compile(rb"\s*[+-]?[\d.,]")
_LONGEST: Final = 1_000

Values = dict[int, dict[str, str]]
_Place = tuple[int, int, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueSet:
    """What was measured on one piece: ``values[c]`` are the value fields of characteristic ``c``.

    ``number`` counts the sets of the file from 1, in the order in which they go out.
    """

    number: int
    part: int
    values: Mapping[int, Mapping[str, str]]

    def first(self, key: str) -> str:
        """Return a field of the set: the first that one of its values has, else an empty text."""
        return next((found for fields in self.values.values() if (found := fields.get(key))), "")


@dataclass(slots=True)
class _Counter:
    """Which value of a characteristic is spoken of."""

    number: int = 0
    keys: set[str] = field(default_factory=set)

    def of(self, key: str) -> int:
        """Return the number of the value that a field belongs to: the next one where the field comes again."""
        if self.number == 0 or key in self.keys:
            self.number += 1
            self.keys.clear()
        self.keys.add(key)
        return self.number


class AqdefReader:
    """Reads the lines of one file, or of a description and then its values."""

    def __init__(self, pseudonym: Callable[[str], str] | None = None) -> None:
        self.description = Description()
        self._pseudonym = pseudonym
        self._part = 1
        self._counters: dict[int, _Counter] = {}
        self._waiting: dict[tuple[int, int], Values] = {}
        self._common: dict[int, dict[str, str]] = {}
        self._line: dict[int, Values] = {}
        self._layout: list[_Place] = []
        self._given = 0
        self._held = 0

    def feed(self, line: bytes) -> list[ValueSet] | Refusal:
        """Return the value sets that a line (in UTF-8, without its end) completes, or why it is no line of AQDEF.

        Raises:
            DataError: the file holds more values as K-fields than `MOST_VALUES`.
        """
        if not line.strip(b" \t\r\x1a"):
            return []
        found = _FIELD.fullmatch(line.strip(b" \t\r"))
        if found is not None:
            return self._field(found)
        if CHARACTERISTICS in line or FIELDS in line or _COMPACT.match(line):
            return self._compact(line)
        return refuse(Reason.MALFORMED_ROW, self._shown(line), "It is neither a K-field nor a row of values.")

    def finish(self) -> list[ValueSet]:
        """Return the value sets that were waiting for the end of the file."""
        sets = self._gone()
        for (part, number), values in self._waiting.items():
            common = self._common.get(number, {})
            whole = {index: common | fields for index, fields in sorted(values.items())}
            sets.append(self._set(part, whole))
        self._waiting = {}
        return sets

    # -- K-fields -----------------------------------------------------------------------------------------

    def _field(self, found: re.Match[bytes]) -> list[ValueSet] | Refusal:
        key, given = found[1].decode(), found[2]
        index = 1 if given is None else int(given)
        if index > MOST_INDICES:
            return refuse(Reason.MALFORMED_ROW, key, f"The index {index} is beyond all measure.")
        try:
            content = (found[4] or b"").decode().strip()
        except UnicodeDecodeError:
            return refuse(Reason.ENCODING, key, "State the encoding in the plan.")
        if len(content) > _LONGEST:
            return refuse(Reason.TEXT_TOO_LONG, key)
        return self._placed(key, index, None if found[3] is None else int(found[3]), content)

    def _placed(self, key: str, index: int, number: int | None, content: str) -> list[ValueSet] | Refusal:
        """Put the content of a field where it belongs; fields of other levels are passed over."""
        if key[1] in "12":
            self._layout = []
        if key[1] == "1":
            self.description.parts.setdefault(index, {})[key] = content
            self._part = index or self._part
        elif key[1] == "2":
            self.description.characteristics.setdefault(index, {})[key] = content
            self.description.part_of.setdefault(index, self._part)
        elif key[1] == "0" and key not in {"K0100", "K0101"}:
            return self._value(key, index, number, content)
        return []

    def _value(self, key: str, index: int, number: int | None, content: str) -> list[ValueSet] | Refusal:
        if number is None and self._belongs_to_the_line(key, index, content):
            return []
        if index == 0:
            newest = max((counter.number for counter in self._counters.values()), default=0)
            self._keep(self._common.setdefault(number or max(1, newest), {}), key, content)
            return []
        if index not in self.description.characteristics:
            return refuse(Reason.MALFORMED_ROW, key, f"The file describes no characteristic {index}.")
        which = self._counters.setdefault(index, _Counter()).of(key) if number is None else number
        if which > MOST_VALUES:
            return refuse(Reason.MALFORMED_ROW, key, f"The value number {which} is beyond all measure.")
        values = self._waiting.setdefault((self.description.part_of[index], which), {})
        if index not in values:
            self._held += 1
            if self._held > MOST_VALUES:
                raise DataError(f"more than {MOST_VALUES} values as K-fields", next_step="split the file")
        self._keep(values.setdefault(index, {}), key, content)
        return []

    def _belongs_to_the_line(self, key: str, index: int, content: str) -> bool:
        """Put a field that follows a line of the compact form into it; say whether there is one that lacks it."""
        chosen = [fields for values in self._line.values() for at, fields in values.items() if index in {0, at}]
        chosen = [fields for fields in chosen if key not in fields]
        for fields in chosen:
            self._keep(fields, key, content)
        return bool(chosen)

    # -- the compact form ---------------------------------------------------------------------------------

    def _compact(self, line: bytes) -> list[ValueSet] | Refusal:
        try:
            pieces = line.strip(b"\r\n").decode().split(_BETWEEN)
        except UnicodeDecodeError:
            return refuse(Reason.ENCODING, hint="State the encoding in the plan.")
        if len(pieces) > 1 and not pieces[-1].strip():
            pieces.pop()
        layout = self._layout or self._lay_out()
        if len(pieces) > len(layout):
            hint = f"It has values for {len(pieces)} characteristics, described are {len(layout)}."
            return refuse(Reason.MALFORMED_ROW, hint=hint)
        if len(line) > _LONGEST and any(len(text) > _LONGEST for piece in pieces for text in piece.split(_WITHIN)):
            return refuse(Reason.TEXT_TOO_LONG)
        parts = self._values_of(pieces, layout)
        if isinstance(parts, Refusal):
            return parts
        for values in parts.values():
            for index in values:
                self._counters.setdefault(index, _Counter()).number += 1
        before, self._line = self._gone(), parts
        return before

    def _values_of(self, pieces: Sequence[str], layout: Sequence[_Place]) -> dict[int, Values] | Refusal:
        """Return the fields of a line by part and characteristic."""
        parts: dict[int, Values] = {}
        for (index, part, known), piece in zip(layout, pieces, strict=False):
            texts = piece.split(_WITHIN)
            order = known or (COUNTED if len(texts) > len(MEASURED) else MEASURED)
            while len(texts) > 1 and not texts[-1]:
                texts.pop()
            if len(texts) > len(order):
                return refuse(Reason.MALFORMED_ROW, hint=f"Characteristic {index} has {len(texts)} fields.")
            fields = {
                key: said for key, text in zip(order, texts, strict=False) if text and key and (said := text.strip())
            }
            for key in _CHANGED & fields.keys():
                self._keep(fields, key, fields.pop(key))
            parts.setdefault(part, {})[index] = fields
        return parts

    def _lay_out(self) -> list[_Place]:
        """Return the characteristics in the order of a line: index, part, order of fields (empty: not told)."""
        found = map(self.description.characteristic, self.description.indices)
        self._layout = [
            (item.index, item.part, () if "K2004" not in item.fields else COUNTED if item.is_attributive else MEASURED)
            for item in found
        ]
        return self._layout

    def _gone(self) -> list[ValueSet]:
        """Return the sets of the line before, which nothing can follow any more."""
        line, self._line = self._line, {}
        return [self._set(part, values) for part, values in sorted(line.items()) if any(values.values())]

    def _keep(self, fields: dict[str, str], key: str, content: str) -> None:
        """Put a field in its place, as far as it may be kept."""
        if key == INSPECTOR:
            if self._pseudonym is None or not content:
                return
            content = self._pseudonym(content)
        if content:
            fields[key] = content.removeprefix("#") if key == BATCH else content

    def _set(self, part: int, values: Values) -> ValueSet:
        self._given += 1
        return ValueSet(
            number=self._given, part=part, values={index: fields for index, fields in values.items() if fields}
        )

    @staticmethod
    def _shown(line: bytes) -> str:
        return line[:40].decode(errors="replace")


def sets_in(chunks: Iterable[bytes], reader: AqdefReader, encoding: str = "") -> Iterator[ValueSet | Refusal]:
    """Yield the value sets of one file, given in chunks of bytes of any encoding, and what was refused between them."""
    transcoder, cutter = Transcoder(encoding), LineCutter()
    for chunk in chunks:
        yield from _fed(cutter.feed(transcoder.feed(chunk)), reader)
    yield from _fed(cutter.feed(transcoder.feed(b"", final=True)) + cutter.finish(), reader)
    yield from reader.finish()


def _fed(lines: Iterable[bytes | LongLine], reader: AqdefReader) -> Iterator[ValueSet | Refusal]:
    for line in lines:
        found = line if isinstance(line, LongLine) else reader.feed(line)
        if isinstance(found, Refusal):
            yield found
        else:
            yield from found
