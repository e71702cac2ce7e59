"""`lineside ready`: whether a release keeps what the line declared, level by level, with the evidence."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.history_query import HistoryQuery
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.layout import Layout
from lineside.cli.options import data_option, plan_option
from lineside.domain.errors import InputError
from lineside.domain.outcomes import NONCONFORMING
from lineside.domain.plan.model import Plan
from lineside.domain.readiness import HeldOut, Level, Lived, readiness, ready
from lineside.domain.rule_coverage import uncovered
from lineside.wire.bundle import Bundle, Manifest

_PARTS: Final = """
SELECT count(*) AS parts, count(*) FILTER (state IN ('normal', 'alarm')) AS judged,
       quantile_cont(judged - received, 0.99) AS p99
FROM predictions WHERE model = {model}
"""
_KNOWN: Final = """
SELECT count(DISTINCT p.unit) AS bad, count(DISTINCT p.unit) FILTER (p.state = 'alarm') AS found
FROM predictions p JOIN outcomes o ON o.unit = p.unit AND o.characteristic = p.characteristic
WHERE p.model = {model} AND o.value IN ({bad})
"""
_ALERTS: Final = """
SELECT count(*) AS alerts, count(*) FILTER (EXISTS (
       SELECT 1 FROM alert_events a
       WHERE a.alert_id = r.alert_id AND a.kind IN ('acknowledged', 'taken', 'step', 'closed', 'help'))) AS answered
FROM alert_events r WHERE r.kind = 'raised' AND r.model = {model}
"""


@click.command()
@click.argument("release")
@plan_option
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(release: str, plan: Path, data: Path, *, as_json: bool) -> None:
    """Say of RELEASE (such as porosity/3) whether it meets every service level; exit code 1 where it does not."""
    found, layout = load_plan(plan), Layout(data)
    bundle = _bundle(BundleFolder(layout.bundles), found, release)
    manifest = bundle.manifest
    lacks = uncovered(found, manifest.characteristic, manifest.nonconforming, manifest.limit)
    levels = readiness(found, manifest.characteristic, held_out_of(manifest), lived_of(layout.history, bundle), lacks)
    passed = ready(levels)
    if as_json:
        said = {"release": bundle.name, "ready": passed, "levels": [asdict(level) for level in levels]}
        click.echo(json.dumps(msgspec.to_builtins(said)))
    else:
        click.echo(_table(bundle.name, levels, passed=passed))
    sys.exit(0 if passed else 1)


def held_out_of(manifest: Manifest) -> HeldOut:
    """Return what a bundle says of parts held out from its training."""
    training = manifest.training
    judged = int(training.metrics.get("judged_by_limit", 0))
    share = training.nonconforming / training.rows if training.rows else 0.0
    bad = round(judged * training.metrics.get("trivial_average_precision", share))
    good = max(0, judged - bad)
    return HeldOut(
        scheme=training.scheme,
        bad=bad,
        found=round(bad * training.metrics.get("recall", 0.0)),
        good=good,
        false=round(good * training.metrics.get("false_alarm_rate", 0.0)),
    )


def lived_of(history: Path, bundle: Bundle) -> Lived:
    """Return what the history says of a release in service; nothing where there is no history."""
    if not (history / "predictions").is_dir():
        return Lived()
    query, words = HistoryQuery(history), {"model": _quoted(bundle.name), "bad": _bad_words(bundle.manifest)}
    found = _row(query, _PARTS.format(**words))
    if (history / "outcomes").is_dir():
        found |= _row(query, _KNOWN.format(**words))
    if (history / "alert_events").is_dir():
        found |= _row(query, _ALERTS.format(**words))
    p99 = found.pop("p99")
    counts = {name: int(value or 0) for name, value in found.items()}
    return Lived(**counts, p99=None if p99 is None else round(float(p99)))


def _bad_words(manifest: Manifest) -> str:
    return ", ".join(_quoted(word) for word in manifest.nonconforming or (NONCONFORMING,))


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def _row(query: HistoryQuery, text: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = query.sql(text).to_pylist()
    return rows[0]


def _bundle(folder: BundleFolder, plan: Plan, release: str) -> Bundle:
    name, _, version = release.partition("/")
    known = [bundle for item in plan.characteristics for bundle in folder.bundles(item.id)]
    for bundle in known:
        if bundle.manifest.characteristic == name and version.split("+")[0] == str(bundle.manifest.version):
            return bundle
    choices = tuple(f"{item.manifest.characteristic}/{item.manifest.version}" for item in known)
    raise InputError("no such release", field="RELEASE", value=release, choices=choices)


def _table(name: str, levels: tuple[Level, ...], *, passed: bool) -> str:
    head = ("level", "declared", "measured", "verdict")
    rows = [head, *((item.name, item.declared, item.measured, str(item.verdict)) for item in levels)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    lines = [f"{name}: {'ready' if passed else 'not ready'}"]
    for row, evidence in zip(rows, ("", *(item.evidence for item in levels)), strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        lines += [f"    {evidence}"] if evidence else []
    return "\n".join(lines)
