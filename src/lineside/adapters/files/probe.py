"""The connection test of files: is the folder there, what lies in it, how is it written, and what would become of it.

The newest file is copied if it is distant, looked at, and its first rows are decoded through the same gate as in
running. Nothing is taken, moved or remembered.
"""

from __future__ import annotations

import asyncio
import posixpath
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lineside.adapters.files.blocks import TimeForm
from lineside.adapters.files.content import NAME_COLUMNS, VALUE_COLUMNS
from lineside.adapters.files.looks import Looks
from lineside.adapters.files.options import FileOptions
from lineside.adapters.files.places import Found, FsspecPlace, PlaceLostError, foreign, open_place
from lineside.adapters.files.reading import CSV_SUFFIXES, KNOWN_SUFFIXES, Refused, Work, read_blocks
from lineside.adapters.files.shown import Shown, described
from lineside.adapters.files.source import open_source
from lineside.adapters.probing import failed, report, signals_to_test, watch
from lineside.domain.errors import LinesideError
from lineside.domain.intake.gate import Taken
from lineside.domain.plan.findings import did_you_mean
from lineside.domain.plan.model import CycleByRows, FilesSpec, Plan, Signal
from lineside.domain.probes import ProbeStep, look_at
from lineside.ports import Clock, ProbeReport
from lineside.zones import format_of, zone_named

NOTHING: Final = "does the file have this column, with a value in one of its first rows?"
_HEAD: Final = 8 << 20
"""Bytes of a distant CSV file that are fetched."""
_ROWS: Final = 256
_NO_OPTIONS: Final = FileOptions()


async def probe(
    plan: Plan,
    spec: FilesSpec,
    clock: Clock,
    *,
    root: Path,
    options: FileOptions = _NO_OPTIONS,
    signals: Sequence[str] = (),
    within: float = 10.0,
) -> ProbeReport:
    """Test a source of files: look into the folder, read the first rows of the newest file, and change nothing.

    Args:
        plan: the plan of the source.
        spec: the source.
        clock: the time.
        root: what relative paths start from.
        options: secret and keys of the server.
        signals: ids of signals to look at; none: all of the source.
        within: seconds for the rows.
    """
    place = open_place(spec, root, options)
    wanted = signals_to_test(plan, spec.id, signals)
    try:
        steps, newest = await asyncio.to_thread(_folder, place, spec, clock)
        if newest is None:
            return report(spec.id, steps)
        with tempfile.TemporaryDirectory() as folder:
            fetched = await asyncio.to_thread(_fetched, place, newest, Path(folder))
            return await _table(plan, spec, clock, steps, fetched, wanted, within)
    except OSError as error:
        advice = "may this gateway's user read it?"
        return report(spec.id, [*steps, ProbeStep(name="table", ok=False, seen=str(error), next_step=advice)])
    finally:
        await asyncio.to_thread(place.close)


def _folder(place: FsspecPlace, spec: FilesSpec, clock: Clock) -> tuple[list[ProbeStep], list[Found] | None]:
    """Return the steps about the folder, and its newest file with what belongs to it."""
    try:
        listing = place.look()
    except PlaceLostError as error:
        return [_lost(spec, error)], None
    steps = [ProbeStep(name="folder", ok=True, seen=f"{spec.path or '.'} is there, with {len(listing)} files")]
    looks = Looks(spec, KNOWN_SUFFIXES)
    now = clock.now() + spec.min_age
    looks.due(listing, now)
    due = [item.found for item in looks.due(listing, now + 10 * 10**9)]
    left = sorted({item.name for item in listing} - {item.name for item in due})
    if not due:
        advice = f"does the machine write here, under names that end in {', '.join(sorted(KNOWN_SUFFIXES))}?"
        seen = "no file would be taken" + (f"; left alone: {', '.join(left[:5])}" if left else "")
        return [
            *steps,
            ProbeStep(name="table", ok=False, seen=seen, next_step=f"{advice}, and finish its files?"),
        ], None
    newest = max(due, key=lambda item: item.modified)
    alone = f"; left alone: {len(left)} ({', '.join(left[:3])})" if left else ""
    steps.append(ProbeStep(name="table", ok=True, seen=f"the newest of {len(due)} is {newest.name}{alone}"))
    stem = posixpath.splitext(newest.name)[0]
    return steps, [newest, *(item for item in listing if item != newest and posixpath.splitext(item.name)[0] == stem)]


def _lost(spec: FilesSpec, error: PlaceLostError) -> ProbeStep:
    why = str(error.__cause__ or error)
    if "://" not in spec.path:
        advice = "correct the path in the plan, create the folder, mount the share, or let this user read it"
        return ProbeStep(name="folder", ok=False, seen=f"{spec.path} is not there: {why}", next_step=advice)
    advice = "is the server running, are name, port and folder right, and does the firewall let this gateway through?"
    if "host key" in why:
        advice = "compare the fingerprint with the one that the server's administrator reads out, then trust it"
    elif isinstance(error.__cause__, PermissionError) or "refuse" in why or "AccessDenied" in why:
        advice = "correct username and secret; the server's administrator can say what it refuses"
    return ProbeStep(name="folder", ok=False, seen=f"{spec.path} does not answer: {why}", next_step=advice)


def _fetched(place: FsspecPlace, files: Sequence[Found], folder: Path) -> Path:
    """Return where the first of some files lies here, with the others beside it; of distant CSV only the head."""
    if place.local:
        return place.path(files[0].name)
    for found in files:
        target = folder / posixpath.basename(found.name)
        most = _HEAD if target.suffix.lower() in CSV_SUFFIXES else found.size
        with foreign(), place.open(found.name) as source:
            content = source.read(most)
        whole = len(content) == found.size or b"\n" not in content
        target.write_bytes(content if whole else content[: content.rindex(b"\n") + 1])
    return folder / posixpath.basename(files[0].name)


async def _table(
    plan: Plan,
    spec: FilesSpec,
    clock: Clock,
    steps: Sequence[ProbeStep],
    file: Path,
    wanted: Sequence[Signal],
    within: float,
) -> ProbeReport:
    try:
        shown = await asyncio.to_thread(described, file, spec)
        alone = spec.model_copy(update={"path": str(file)})
        source = open_source(plan, alone, clock, options=FileOptions(block_rows=_ROWS))
        times = await asyncio.to_thread(_times, file, spec, clock.now())
    except LinesideError as error:
        return report(spec.id, [*steps, failed("table", error)])
    found = [*steps, *shown.steps, *_columns(spec, shown, wanted), *times]
    taken, trouble = await watch(source, wanted, within)
    if trouble is not None:
        return report(spec.id, [*found, failed("read", trouble)])
    by_rows = {station.id for station in plan.stations if isinstance(station.cycle, CycleByRows)}
    of_rows = [signal for signal in wanted if signal.station in by_rows]
    found += [_lacking(signal, shown) for signal in of_rows if (signal.address or signal.id) not in shown.names]
    looked = look_at([signal for signal in wanted if signal.station not in by_rows], taken, NOTHING)
    steps_of_signals = tuple(_advised(step, shown, plan) for step in looked.steps)
    return report(spec.id, [*found, *_refused(taken)], replace(looked, steps=steps_of_signals))


def _columns(spec: FilesSpec, shown: Shown, wanted: Sequence[Signal]) -> list[ProbeStep]:
    """Return the steps about columns that the plan needs and the file lacks, and about units that differ."""
    steps = []
    needed = [spec.time_column] if spec.time_column and shown.kind != "AQDEF" else []
    if spec.layout == "long":
        needed += [names[0] for names in (NAME_COLUMNS, VALUE_COLUMNS) if not _has(shown.names, names)]
        wanted = ()
    for name in needed:
        if name not in shown.names:
            seen = f"the table has no column {name!r}; it has {', '.join(shown.names[:12])}"
            steps.append(ProbeStep(name="table", ok=False, seen=seen, next_step=did_you_mean(name, shown.names)))
    for signal in wanted:
        unit = shown.units.get(signal.address or signal.id, "")
        if unit and signal.unit and _plain(unit) != _plain(signal.unit):
            seen = f"the file says {unit}, the plan {signal.unit}"
            advice = "correct the plan's unit, or let the machine write in it"
            steps.append(ProbeStep(name="unit", ok=False, signal=signal.id, seen=seen, next_step=advice))
    return steps


def _times(file: Path, spec: FilesSpec, now: int) -> list[ProbeStep]:
    """Return the step about the times of the first rows: from when to when, in which zone, and in order or not."""
    blocks = read_blocks(Work(path=file, name=file.name, label=file.stem), spec, rows=_ROWS)
    block = next((item for item in blocks if not isinstance(item, Refused)), None)
    column = spec.time_column or ("K0004" if block is not None and "K0004" in block.names else "")
    if block is None or not column or column not in block.names:
        return []
    form = TimeForm(zone_named(spec.time_zone), format_of(spec.time_format))
    times, refusals = block.times(column, form, now)
    good = [moment for row, moment in enumerate(times.tolist()) if row not in refusals]
    steps = []
    if refusals:
        row, why = next(iter(refusals.items()))
        seen = (
            f"{len(refusals)} of {len(times)} times cannot be read, such as row {int(block.numbers[row])}: {why.detail}"
        )
        advice = "state time_format (strptime) and time_zone in the plan"
        steps.append(ProbeStep(name="time", ok=bool(good), seen=seen, next_step=advice))
    if good:
        order = "in order" if good == sorted(good) else "not in order"
        seen = f"{_iso(min(good))} to {_iso(max(good))}, {order}; times without a zone are taken as {spec.time_zone}"
        steps.append(ProbeStep(name="time", ok=True, seen=seen))
    return steps


def _refused(taken: Sequence[Taken]) -> list[ProbeStep]:
    """Return a step for each reason for which rows would be quarantined, with an example."""
    counts: dict[str, tuple[int, str]] = {}
    for item in (entry for batch in taken for entry in batch.quarantined if not entry.signal):
        count, detail = counts.get(item.reason, (0, item.detail))
        counts[item.reason] = (count + item.count, detail)
    return [
        ProbeStep(name="rows", ok=False, seen=f"{count} would be quarantined as {reason}: {detail}")
        for reason, (count, detail) in counts.items()
    ]


def _lacking(signal: Signal, shown: Shown) -> ProbeStep:
    """Return the step about a column of part rows that is not there."""
    address = signal.address or signal.id
    near = f"{did_you_mean(address, shown.names)} The columns are: {', '.join(shown.names[:12])}.".strip()
    seen = f"the table has no column {address!r}"
    return ProbeStep(name="value", ok=False, signal=signal.id, seen=seen, next_step=near)


def _advised(step: ProbeStep, shown: Shown, plan: Plan) -> ProbeStep:
    """Return a step about a signal that has no column with the nearest name of one."""
    if step.ok or step.name != "value":
        return step
    address = plan.signal(step.signal).address or step.signal
    if address in shown.names or not shown.names:
        return step
    near = did_you_mean(address, shown.names)
    columns = ", ".join(shown.names[:12])
    return replace(step, next_step=f"{near} The columns are: {columns}.".strip())


def _has(names: Sequence[str], choices: Sequence[str]) -> bool:
    return not {name.lower() for name in names}.isdisjoint(choices)


def _plain(unit: str) -> str:
    return unit.strip("[]() ").replace("°", "deg").replace("µ", "u").replace("²", "2").lower()


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
