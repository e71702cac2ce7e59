"""The connection test of files: is the folder there, is a table in it, and does it hold the signals' columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lineside.adapters.files.reading import files_at
from lineside.adapters.files.source import FileOptions, open_source
from lineside.adapters.probing import failed, report, signals_to_test, watch
from lineside.domain.errors import LinesideError
from lineside.domain.plan.model import CycleByRows, FilesSpec, Plan
from lineside.domain.probes import ProbeStep, look_at
from lineside.ports import Clock, ProbeReport

NOTHING = "does the file have this column, with a value in one of its first rows? The plan's address must be its name"


async def probe(
    plan: Plan, spec: FilesSpec, clock: Clock, *, root: Path, signals: Sequence[str] = (), within: float = 10.0
) -> ProbeReport:
    """Test a source of files: read the first rows of the newest table, and change nothing.

    Args:
        plan: the plan of the source.
        spec: the source.
        clock: the time.
        root: what relative paths start from.
        signals: ids of signals to look at; none: all of the source.
        within: seconds for it all.
    """
    path = root / spec.path
    steps = _folder(path)
    if not all(step.ok for step in steps):
        return report(spec.id, steps)
    newest = max(files_at(path), key=lambda file: file.stat().st_mtime_ns)
    steps.append(ProbeStep(name="table", ok=True, seen=f"the newest of {len(files_at(path))} is {newest.name}"))
    wanted = signals_to_test(plan, spec.id, signals)
    try:
        source = open_source(
            plan, spec.model_copy(update={"path": str(newest)}), clock, root=root, options=FileOptions(block_rows=256)
        )
    except LinesideError as error:
        return report(spec.id, [*steps, failed("settings", error)])
    taken, trouble = await watch(source, wanted, within)
    if trouble is not None:
        return report(spec.id, [*steps, failed("read", trouble)])
    refused = [item for entry in taken for item in entry.quarantined if not item.signal]
    steps += [ProbeStep(name="rows", ok=False, seen=item.detail) for item in refused[:3]]
    by_rows = {station.id for station in plan.stations if isinstance(station.cycle, CycleByRows)}
    return report(spec.id, steps, look_at([s for s in wanted if s.station not in by_rows], taken, NOTHING))


def _folder(path: Path) -> list[ProbeStep]:
    if not path.exists():
        advice = "correct the path in the plan, create the folder, or mount the share"
        return [ProbeStep(name="folder", ok=False, seen=f"{path} is not there", next_step=advice)]
    if not os.access(path, os.R_OK):
        advice = "let the gateway's user read it"
        return [ProbeStep(name="folder", ok=False, seen=f"{path} cannot be read by this user", next_step=advice)]
    folder = ProbeStep(name="folder", ok=True, seen=f"{path} is there")
    if not files_at(path):
        advice = "does the machine write here, with a name that ends in .csv, .tsv, .txt, .parquet or .pq?"
        return [folder, ProbeStep(name="table", ok=False, seen="no table is in it", next_step=advice)]
    return [folder]
