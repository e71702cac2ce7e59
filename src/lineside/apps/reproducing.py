"""Builds a release again from what its bundle says it was made of, and compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lineside.domain.errors import ConfigurationError, DataError
from lineside.domain.plan.digest import judging_digest
from lineside.domain.plan.model import Characteristic, Plan
from lineside.flows.train import Complete, LoadedParts, LoadParts, TrainRequest, train
from lineside.learn.software import changed
from lineside.wire.bundle import GOLDEN_INPUTS, GOLDEN_SCORES, MODEL_FILE, SOFTWARE, Bundle


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduced:
    """What came of it.

    ``identical`` says that graph, limit and golden scores are the same, bit for bit; ``greatest`` is the greatest
    difference of a golden score. ``files`` names the files of the bundle that differ, ``software`` what is installed in
    another version than then (then, now).
    """

    release: str
    identical: bool
    greatest: float
    limit: tuple[float, float]
    files: tuple[str, ...]
    software: dict[str, tuple[str, str]] = field(default_factory=dict)


def reproduce(
    plan: Plan, bundle: Bundle, load: LoadParts, complete: Complete, progress: Callable[[str], None] = lambda _: None
) -> Reproduced:
    """Learn a bundle's model again and compare.

    Args:
        plan: the control plan it was learned by.
        bundle: the release.
        load: gives the parts that it was learned from.
        complete: adds what only a judge can, as when it was trained.
        progress: is told what is being done.

    Raises:
        ConfigurationError: the plan judges otherwise than the bundle's.
        DataError: the parts are not those that it was learned from.
    """
    manifest = bundle.manifest
    if judging_digest(plan) != manifest.plan_digest:
        raise ConfigurationError(
            "this plan judges otherwise than the one that the release was learned by",
            field="--plan",
            value=judging_digest(plan),
            choices=(manifest.plan_digest,),
            next_step=f"give the plan of revision {manifest.plan_revision}",
        )
    request = TrainRequest(
        plan=plan,
        characteristics=(manifest.characteristic,),
        seed=manifest.training.seed,
        now=manifest.training.trained,
        since=manifest.training.since,
        complete=complete,
        unseen=bool(manifest.training.regimes),
    )
    (again,) = train(request, _checked(load, manifest.training.data_version), None, progress)
    return compare(bundle, again.bundle)


def compare(bundle: Bundle, again: Bundle) -> Reproduced:
    """Return how a bundle that was built again differs."""
    apart = _greatest(bundle, again)
    limits = bundle.manifest.limit, again.manifest.limit
    names = sorted(bundle.files.keys() | again.files.keys())
    return Reproduced(
        release=bundle.name,
        identical=apart == 0.0 and limits[0] == limits[1] and bundle.files[MODEL_FILE] == again.files[MODEL_FILE],
        greatest=apart,
        limit=limits,
        files=tuple(name for name in names if bundle.files.get(name) != again.files.get(name)),
        software=changed(bundle.files[SOFTWARE]) if SOFTWARE in bundle.files else {},
    )


def _checked(load: LoadParts, version: str) -> LoadParts:
    def loaded(characteristic: Characteristic) -> LoadedParts:
        found = load(characteristic)
        if found.version != version:
            raise DataError(
                "these are not the parts that the release was learned from",
                field="data version",
                value=found.version,
                choices=(version,),
                next_step="give the same files, or the history as it was kept",
            )
        return found

    return loaded


def _greatest(bundle: Bundle, again: Bundle) -> float:
    """Return the greatest difference of a golden score; infinite where other rows were chosen."""
    if not np.array_equal(bundle.array(GOLDEN_INPUTS), again.array(GOLDEN_INPUTS), equal_nan=True):
        return float("inf")
    then, now = bundle.array(GOLDEN_SCORES), again.array(GOLDEN_SCORES)
    return float(np.max(np.abs(then - now), initial=0.0))
