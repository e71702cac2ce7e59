"""Smaller or quicker variants of a model, each a bundle of its own that says what it was made from.

A variant keeps the original's golden parts *with the original's answers*: they are the reference that a device holds
against the variant. Nothing here chooses: what suits a model is made, what does not is said with its reason, and which
one is worth having is for whoever reads the measurements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from lineside.domain.readings import Float64
from lineside.learn.compress_networks import dynamic_int8, static_int8
from lineside.learn.compress_trees import compiled_trees, pruned_trees
from lineside.wire.bundle import LINEAGE, MODEL_FILE, Bundle, manifest_digest, seal


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle was made from: name and digest of the original, the variant, and how it was made, in words."""

    variant: str
    original: str
    digest: str
    how: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A variant's name, the files in which it differs from the original, and how it was made; or why it does not suit.

    ``files`` is None where it does not suit.
    """

    name: str
    files: Mapping[str, bytes] | None
    how: str


def variants_of(bundle: Bundle, inputs: Float64, tolerance: float) -> tuple[Variant, ...]:
    """Return every variant that there is of a model, suitable or not.

    Args:
        bundle: the original.
        inputs: rows of its inputs ``(n, inputs)``, to calibrate and to prune by.
        tolerance: greatest difference of a pruned model's scores, relative to ``1 + |score|``.
    """
    rows = inputs[~np.isnan(inputs).any(axis=1)].astype(np.float32)
    graph = bundle.files[MODEL_FILE]
    made = {
        "int8-static": static_int8(graph, rows),
        "int8-dynamic": dynamic_int8(graph),
        "pruned": pruned_trees(bundle, inputs, tolerance),
        "compiled": compiled_trees(bundle),
    }
    return tuple(Variant(name=name, files=files, how=how) for name, (files, how) in made.items())


def as_bundle(original: Bundle, variant: Variant, version: int) -> Bundle:
    """Return a variant as a bundle with its lineage; its golden rows still have the original's scores."""
    assert variant.files is not None
    lineage = Lineage(
        variant=variant.name, original=original.name, digest=manifest_digest(original.manifest), how=variant.how
    )
    files = {**original.files, **variant.files, LINEAGE: msgspec.json.encode(lineage)}
    return seal(msgspec.structs.replace(original.manifest, version=version), files)
