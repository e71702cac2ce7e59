"""How a file is written, in words and columns, for whoever connects it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineside.adapters.files.aqdef_block import AqdefBlock
from lineside.adapters.files.reading import AQDEF_SUFFIXES, CSV_SUFFIXES, Refused, Work, csv_options, read_blocks
from lineside.domain.errors import DataError
from lineside.domain.plan.model import FilesSpec
from lineside.domain.probes import ProbeStep
from lineside.domain.tabular import CsvReader
from lineside.domain.tabular.form import find_decimal

_CHUNK: Final = 1 << 20
_MARKS: Final = {"\t": "tab", ";": "semicolon", ",": "comma", "|": "bar", " ": "blank"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A file as it was understood: its format, its columns, the units that stand in it, and the steps about that."""

    kind: str
    names: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[ProbeStep, ...] = ()


def described(file: Path, spec: FilesSpec) -> Shown:
    """Return how a file is written.

    Raises:
        DataError: it cannot be read as what its name says.
        ConfigurationError: its format needs what is not installed.
    """
    suffix = file.suffix.lower()
    if suffix in CSV_SUFFIXES:
        return _csv(file, spec)
    block = None
    for item in read_blocks(Work(path=file, name=file.name, label=file.stem), spec, rows=256):
        if isinstance(item, Refused):
            if item.whole:
                raise DataError(item.refusal.detail)
            continue
        block = item
        break
    kind = "AQDEF" if suffix in AQDEF_SUFFIXES else suffix.removeprefix(".")
    names = () if block is None else tuple(block.names)
    if isinstance(block, AqdefBlock):
        names, seen = tuple(block.columns), _aqdef(block)
        fields = tuple(name for name in block.names if name.startswith("K"))
        step = ProbeStep(name="table", ok=True, seen=seen)
        return Shown(kind=kind, names=(*names, *fields), units=dict(_units(block)), steps=(step,))
    step = ProbeStep(name="table", ok=True, seen=f"{kind}, {len(names)} columns: {', '.join(names[:12])}")
    return Shown(kind=kind, names=names, steps=(step,))


def _csv(file: Path, spec: FilesSpec) -> Shown:
    reader = CsvReader(csv_options(spec))
    with file.open("rb") as source:
        reader.feed(source.read(_CHUNK))
    reader.finish()
    form = reader.form
    rows = reader.take(200)
    cells = [] if rows is None else [cell.decode(errors="replace").strip() for cell in rows.cells.flat]
    decimal = find_decimal([cells])
    mark = _MARKS.get(form.shape.delimiter, form.shape.delimiter)
    columns = f"{len(form.names)} columns: {', '.join(form.names[:12])}"
    header = form.first - 1 - bool(form.units)
    seen = f"CSV in {reader.encoding}, a {mark} between cells, header on line {header}, {columns}"
    steps = [ProbeStep(name="table", ok=True, seen=seen)]
    signs = any(sign in cell for cell in cells for sign in ".,")
    if signs and decimal != spec.decimal and "," in {decimal, spec.decimal}:
        said = "comma" if decimal == "," else "point"
        advice = f"write decimal: '{decimal}' in the plan"
        steps.append(ProbeStep(name="table", ok=False, seen=f"numbers have a decimal {said}", next_step=advice))
    units = dict(zip(form.names, form.units, strict=False))
    return Shown(kind="CSV", names=form.names, units=units, steps=tuple(steps))


def _aqdef(block: AqdefBlock) -> str:
    parts = sorted({fields.get("K1001", "") for fields in block.description.parts.values()} - {""})
    count = len(block.description.indices)
    return (
        f"AQDEF of part {', '.join(parts[:3]) or '?'}, {count} characteristics: {', '.join(list(block.columns)[:12])}"
    )


def _units(block: AqdefBlock) -> Iterator[tuple[str, str]]:
    for index in block.description.indices:
        found = block.description.characteristic(index)
        yield from ((name, found.fields.get("K2142", "")) for name in found.names)
