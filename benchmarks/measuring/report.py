"""What a run leaves: `bench.json`, a Markdown table, every single value, and a plot per claim."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from measuring.works import Figure, Missing


def write(folder: Path, figures: Sequence[Figure], missing: Sequence[Missing]) -> None:
    """Write all files of a run; called after every work, so that an interrupted run leaves what it has."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [figure.row() for figure in figures]
    (folder / "bench.json").write_text(json.dumps(rows, indent=1) + "\n")
    details = {
        "made": _circumstances(),
        "figures": [{**item.row(), "values": item.values, **item.remarks} for item in figures],
        "missing": [vars(item) for item in missing],
    }
    (folder / "details.json").write_text(json.dumps(details, indent=1) + "\n")
    (folder / "bench.md").write_text("\n".join(_table(figures, missing)) + "\n")


def plot(folder: Path, figures: Sequence[Figure]) -> None:
    """Draw a bar chart per claim (the first word of the work's name), as SVG and PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - slow to import, and a run may be interrupted before it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - as above

    for claim in dict.fromkeys(figure.work.name.split()[0] for figure in figures):
        chosen = [figure for figure in figures if figure.work.name.split()[0] == claim]
        labels = [f"{figure.work.name}\n{figure.subject}" for figure in chosen]
        drawing, axes = plt.subplots(figsize=(9, 0.8 + 0.34 * len(chosen)))
        axes.barh(range(len(chosen)), [item.value for item in chosen], color=[_colour(item) for item in chosen])
        axes.set_yticks(range(len(chosen)), labels, fontsize=6)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlabel(f"{chosen[0].work.unit} ({chosen[0].work.better} is better)")
        axes.spines[["top", "right"]].set_visible(False)
        drawing.tight_layout()
        for kind in ("svg", "png"):
            drawing.savefig(folder / f"{claim}.{kind}", dpi=130)
        plt.close(drawing)


def _colour(figure: Figure) -> str:
    return {"lineside": "#1f5a7a", "limit": "#9a9a9a"}.get(figure.subject, "#c9b99a")


def _table(figures: Sequence[Figure], missing: Sequence[Missing]) -> Iterator[str]:
    made = _circumstances()
    yield "# Benchmarks\n"
    yield f"Made {made['date']} on {made['machine']} at commit {made['commit']}, by `make bench`."
    yield "Subjects take turns on one core; each figure is the median of at least five turns.\n"
    for work in dict.fromkeys(figure.work.name for figure in figures):
        chosen = [figure for figure in figures if figure.work.name == work]
        ours = next((figure.value for figure in chosen if figure.subject == "lineside"), None)
        better = chosen[0].work.better
        yield f"## {work}\n"
        yield f"| subject | {chosen[0].work.unit} ({better} is better) | lineside against it | remarks |"
        yield "|---|---:|---:|---|"
        for item in sorted(chosen, key=lambda figure: figure.value, reverse=better == "higher"):
            yield f"| {item.subject} | {item.value:,.4g} | {_ratio(ours, item)} | {_remarks(item)} |"
        yield ""
    if missing:
        yield "## Not measured\n"
        yield from (f"- {item.work}: {item.subject}: {item.reason}" for item in missing)


def _ratio(ours: float | None, item: Figure) -> str:
    if ours is None or item.subject == "lineside" or not item.value or not ours:
        return ""
    ratio = ours / item.value if item.work.better == "higher" else item.value / ours
    return f"{ratio:.3g}x"


def _remarks(item: Figure) -> str:
    hidden = {"cpu_s", "wall_s", "count"}
    shown = {key: value for key, value in item.remarks.items() if key not in hidden and not isinstance(value, list)}
    return ", ".join(f"{key} {_short(value)}" for key, value in shown.items())


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _circumstances() -> dict[str, str]:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    root = Path(__file__).resolve().parent.parent.parent
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    ).stdout.strip()
    load = f"load {os.getloadavg()[0]:.1f}"
    return {
        "date": dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} cores, {model}, Python {platform.python_version()}, {load}",
        "commit": commit or "unknown",
    }
