"""The drift of models in service: the newest parts of the history, against those that each bundle brings along."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.history_query import HistoryQuery
from lineside.domain.drift.check import check_window
from lineside.domain.drift.reference import LEAST_PARTS, Reference, summarise
from lineside.domain.drift.report import DriftReport
from lineside.domain.drift.together import Together, check_together, learn_together
from lineside.domain.errors import DataError
from lineside.domain.part_tables import join_parts
from lineside.domain.parts import PartRecord, PartTable
from lineside.domain.plan.model import Plan, Role
from lineside.domain.predictions import Prediction
from lineside.domain.readings import Float64
from lineside.domain.sensors.naming import Column, SensorFinding, name_faults
from lineside.wire.bundle import REFERENCE_PARTS, Bundle, Manifest
from lineside.wire.records import RecordKind

WINDOW: Final = 2_000
"""Parts of the window: the newest made since the model was learned."""
_WEIGHED: Final = 500
"""Newest judgements, for each model, whose shares say how much each feature moves it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Learned:
    """What a model's own parts look like."""

    reference: Reference
    together: Together | None
    features: Float64

    @property
    def parts(self) -> int:
        return len(self.features)


@dataclass(slots=True)
class DriftLook:
    """Looks at the drift of every model in service; what a model learned from is summarised once.

    Args:
        plan: the control plan.
        folder: the bundles.
        history: the folder of the history.
        window: newest parts that are looked at.
    """

    plan: Plan
    folder: BundleFolder
    history: Path
    window: int = WINDOW
    _known: dict[str, _Learned] = field(default_factory=dict)

    def __call__(self) -> tuple[DriftReport, ...]:
        """Return a report for each model in service that can be looked at, in the plan's order of stations."""
        if not (self.history / "parts").is_dir():
            return ()
        active = {station.id: self.folder.active(station.id) for station in self.plan.stations}
        found = [bundle for bundles in active.values() for bundle in bundles]
        self._known = {bundle.name: self._known.get(bundle.name) or _learn(bundle) for bundle in found}
        query = HistoryQuery(self.history)
        parts = {name: query.newest_parts(name, 0, self.window) for name, bundles in active.items() if bundles}
        judged = query.recent(RecordKind.PREDICTIONS, _WEIGHED * len(found))
        reports = (self._report(bundle, parts[bundle.manifest.station], judged) for bundle in found)
        return tuple(report for report in reports if report is not None)

    def _report(self, bundle: Bundle, parts: Sequence[PartRecord], judged: Sequence[Prediction]) -> DriftReport | None:
        """Return the report of a model by the newest parts of its station; None where too few came since it learned."""
        manifest, learned = bundle.manifest, self._known[bundle.name]
        since = self._since(parts, manifest)
        if since is None or learned.parts < LEAST_PARTS:
            return None
        weights = _weights(judged, bundle.name, learned.reference.names)
        return DriftReport(
            station=manifest.station,
            characteristic=manifest.characteristic,
            model=bundle.name,
            reference=learned.parts,
            parts=len(since),
            first=int(since.started[0]),
            last=int(since.ended[-1]),
            features=check_window(learned.reference, since.features, weights=weights),
            together=() if learned.together is None else check_together(learned.together, since.features),
            units={item.name: item.unit for item in manifest.features},
            sensors=_sensors(manifest, learned.features, since.features),
        )

    def _since(self, parts: Sequence[PartRecord], manifest: Manifest) -> PartTable | None:
        """Return the parts made since a model was learned; None where they are too few."""
        chosen = [part for part in parts if part.ended > manifest.training.last]
        try:
            table = join_parts(self.plan, self.plan.characteristic(manifest.characteristic), chosen, {}).table
        except DataError:
            return None
        return table if len(table) >= LEAST_PARTS else None


def _learn(bundle: Bundle) -> _Learned:
    """Summarise what a bundle brings along; one from before bundles did has no parts."""
    facts = bundle.manifest.features
    features = np.empty((0, len(facts)))
    if REFERENCE_PARTS in bundle.files:
        features = bundle.array(REFERENCE_PARTS).astype(np.float64)
    conditions = [place for place, fact in enumerate(facts) if fact.role == Role.ENVIRONMENT]
    reference = summarise([fact.name for fact in facts], features, conditions)
    return _Learned(reference, learn_together(features), features)


def _sensors(manifest: Manifest, before: Float64, since: Float64) -> tuple[SensorFinding, ...]:
    """Return what the features of signals say of their sensors; context is no sensor's."""
    kept = [place for place, fact in enumerate(manifest.features) if fact.role != Role.CONTEXT]
    facts = [manifest.features[place] for place in kept]
    columns = [
        Column(fact.signal, fact.name.rpartition(".")[2] if "." in fact.name else "value", fact.unit) for fact in facts
    ]
    stride = max(manifest.training.rows / len(before), 1.0)
    return name_faults(columns, before[:, kept], since[:, kept], stride)


def _weights(judged: Sequence[Prediction], model: str, names: tuple[str, ...]) -> list[float]:
    """Return how much each feature has moved the model of late, 1 for the one that moved it most; none: all alike."""
    moved: dict[str, float] = defaultdict(float)
    for prediction in judged:
        if prediction.model == model:
            for item in prediction.contributions:
                moved[item.feature] += abs(item.share)
    most = max(moved.values(), default=0.0)
    return [moved.get(name, 0.0) / most for name in names] if most > 0.0 else []
