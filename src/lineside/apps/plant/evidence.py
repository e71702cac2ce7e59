"""The evidence of a release: what its bundle says of parts held out, and what the history says of its service."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.history_query import HistoryQuery, quoted
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.adapters.onnx_judge.golden import golden_records
from lineside.apps.plant.shadow import margin_of, shadow
from lineside.domain.errors import ConfigurationError, InputError, IntegrityError
from lineside.domain.outcomes import NONCONFORMING, Precedence, precedence_of
from lineside.domain.plan.model import Plan
from lineside.domain.readiness import (
    HeldOut,
    Level,
    Lived,
    Used,
    against_champion,
    beside_champion,
    in_service,
    lacking,
    readiness,
)
from lineside.domain.releases.comparing import NOTHING_COMPARED, Relation
from lineside.domain.releases.deciding import Report
from lineside.domain.releases.table import Rung
from lineside.domain.rule_coverage import uncovered
from lineside.domain.said import joined, say
from lineside.wire.bundle import GOLDEN_PARTS, Bundle, Manifest
from lineside.wire.codecs import encode_items

ANSWERS: Final = "'acknowledged', 'taken', 'step', 'closed', 'help'"
"""The kinds of events that answer an alert, in SQL."""
_PARTS: Final = """
SELECT count(*) AS parts, count(*) FILTER (state IN ('normal', 'alarm')) AS judged,
       quantile_cont(judged - received, 0.99) AS p99
FROM predictions_as_judged WHERE model = {model}
"""
_KNOWN: Final = """
SELECT count(DISTINCT p.unit) AS bad, count(DISTINCT p.unit) FILTER (p.state = 'alarm') AS found
FROM predictions_as_judged p JOIN latest_outcomes o ON o.unit = p.unit AND o.characteristic = p.characteristic
WHERE p.model = {model} AND o.value IN ({bad})
"""
_ALERTS: Final = """
SELECT count(*) AS alerts, count(*) FILTER (EXISTS (
       SELECT 1 FROM alert_events a
       WHERE a.alert_id = r.alert_id AND a.kind IN ({answers}))) AS answered
FROM alert_events r WHERE r.kind = 'raised' AND r.model = {model} AND coalesce(r.suppressed, '') = ''
"""


def levels_of(plan: Plan, bundle: Bundle, history: Path, champion: Bundle | None = None) -> tuple[Level, ...]:
    """Return every service level of the plan with what was measured of a release, and how it does beside a champion."""
    manifest = bundle.manifest
    lacks = uncovered(plan, manifest.characteristic, manifest.nonconforming, manifest.limit)
    lived, used = lived_of(history, bundle, precedence_of(plan)), used_of(plan, bundle, history)
    rival = None if champion is None or champion.name == bundle.name else champion
    found = None if rival is None else shadow(plan, rival, bundle, history)
    if found is not None:
        lived = replace(lived, bad=found.bad, found=found.found)
    levels = readiness(plan, manifest.characteristic, held_out_of(manifest), lived, lacks, used)
    if rival is None:
        return levels
    if found is not None:
        shown = Lived(bad=found.bad, found=found.champion_found)
        of_rival = in_service(plan, held_out_of(rival.manifest), shown)
        levels = beside_champion(levels, of_rival, better=found.comparison.relation is Relation.BETTER)
    comparison = NOTHING_COMPARED if found is None else found.comparison
    return (*levels, against_champion(comparison, margin_of(plan, bundle)))


def champion_of(folder: BundleFolder, bundle: Bundle) -> Bundle | None:
    """Return what is in service at the place of a bundle, None where nothing is."""
    here = folder.active(bundle.manifest.station)
    return next((item for item in here if item.manifest.characteristic == bundle.manifest.characteristic), None)


@dataclass(frozen=True, slots=True)
class ReadyLook:
    """Answers which service levels each release in service meets."""

    plan: Plan
    folder: BundleFolder
    history: Path

    def __call__(self) -> dict[str, tuple[Level, ...]]:
        """Return the levels by the name of the release, in the plan's order of stations."""
        found = [bundle for station in self.plan.stations for bundle in self.folder.active(station.id)]
        return {bundle.name: levels_of(self.plan, bundle, self.history) for bundle in found}


def report_of(release: str, levels: tuple[Level, ...], rung: Rung) -> Report:
    """Return what the levels amount to for a step to a rung, with the digest of all that they say."""
    text = json.dumps([release, rung, *(asdict(level) for level in levels)], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    lacks = lacking(levels, served=rung is Rung.CHAMPION)
    concedable = {level.name: lacks.pop(level.name) for level in levels if level.concedable and level.name in lacks}
    beaten = tuple(level.name for level in levels if level.beaten)
    return Report(
        release=release, rung=rung, lacks=tuple(lacks.values()), digest=digest, concedable=concedable, beaten=beaten
    )


def held_out_of(manifest: Manifest) -> HeldOut:
    """Return what a bundle says of parts held out from its training."""
    training = manifest.training
    metrics = training.metrics
    judged = int(metrics.get("judged_by_limit", 0))
    share = training.nonconforming / training.rows if training.rows else 0.0
    bad = round(metrics.get("bad_by_limit", judged * metrics.get("trivial_average_precision", share)))
    good = max(0, judged - bad)
    alerts = metrics.get("false_alert_rate")
    return HeldOut(
        scheme=training.scheme,
        bad=bad,
        found=round(bad * metrics.get("recall", 0.0)),
        good=good,
        false=round(good * metrics.get("false_alarm_rate", 0.0)),
        false_alerts=None if alerts is None else round(good * alerts),
        promised=training.likely_rate,
    )


def lived_of(history: Path, bundle: Bundle, precedence: Precedence) -> Lived:
    """Return what the history says of a release in service; nothing where there is no history.

    ``precedence`` says whose word holds where sources contradict each other.
    """
    if not (history / "predictions").is_dir():
        return Lived()
    query, words = HistoryQuery(history, precedence), {"model": quoted(bundle.name), "bad": _bad_words(bundle.manifest)}
    words["answers"] = ANSWERS
    found = _row(query, _PARTS.format(**words))
    if (history / "outcomes").is_dir():
        found |= _row(query, _KNOWN.format(**words))
    if (history / "alert_events").is_dir():
        found |= _row(query, _ALERTS.format(**words))
    p99 = found.pop("p99")
    counts = {name: int(value or 0) for name, value in found.items()}
    return Lived(**counts, p99=None if p99 is None else round(float(p99)))


def used_of(plan: Plan, bundle: Bundle, history: Path) -> Used | None:
    """Return what a part takes here: golden parts are judged for the time, the history is weighed for the bytes.

    Without a history, the bytes are those of a part's record and its prediction, the readings left out. None where the
    bundle has no golden parts, or does not open for this plan.
    """
    judged = judging_of(plan, bundle)
    if judged is None:
        return None
    size, kept = _weighed(history) or (judged.bytes, say("no history yet: the records alone, without readings"))
    return Used(cpu_seconds=judged.cpu_seconds, bytes=size, evidence=joined((judged.evidence, kept)))


def judging_of(plan: Plan, bundle: Bundle) -> Used | None:
    """Return what judging a golden part takes here, and the bytes of its records; None as `used_of`."""
    if GOLDEN_PARTS not in bundle.files:
        return None
    parts = golden_records(bundle)
    try:
        judge = OnnxJudge(plan, bundle.manifest.station, [bundle], setups=False).open()
        judge.judge(parts[0], parts[0].ended)  # the first one pays for what is compiled
        began = time.thread_time_ns()
        found = [judge.judge(part, part.ended) for part in parts]
    except (ConfigurationError, IntegrityError):
        return None
    seconds = (time.thread_time_ns() - began) / 1e9 / len(parts)
    written = sum(len(encode_items([item.part])) + len(encode_items(item.predictions)) for item in found) / len(parts)
    return Used(cpu_seconds=seconds, bytes=written, evidence=say("{parts} golden parts judged here", parts=len(parts)))


def _weighed(history: Path) -> tuple[float, str] | None:
    """Return the bytes of the history for each of its parts, and what that rests on; None where there are no parts."""
    if not (history / "parts").is_dir():
        return None
    parts = int(_row(HistoryQuery(history), "SELECT count(*) AS parts FROM parts")["parts"])
    if not parts:
        return None
    return sum(file.stat().st_size for file in history.rglob("*.parquet")) / parts, say(
        "history of {parts} parts", parts=parts
    )


def _bad_words(manifest: Manifest) -> str:
    return ", ".join(quoted(word) for word in manifest.nonconforming or (NONCONFORMING,))


def _row(query: HistoryQuery, text: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = query.sql(text).to_pylist()
    return rows[0]


def kept_bundle(folder: BundleFolder, plan: Plan, release: str) -> Bundle:
    """Return the kept bundle of a release, such as ``porosity/3``.

    Raises:
        InputError: there is none of that name.
    """
    name, _, version = release.partition("/")
    known = [bundle for item in plan.characteristics for bundle in folder.bundles(item.id)]
    for bundle in known:
        if bundle.manifest.characteristic == name and version.split("+")[0] == str(bundle.manifest.version):
            return bundle
    choices = tuple(f"{item.manifest.characteristic}/{item.manifest.version}" for item in known)
    raise InputError(say("no such release"), field="RELEASE", value=release, choices=choices)
