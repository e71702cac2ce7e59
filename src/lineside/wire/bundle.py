"""A model as it travels: a manifest that says everything about it, and its files, each listed and hashed.

A bundle is plain data. It holds an ONNX graph, numeric arrays (``.npy``, never pickled) and JSON; nothing in
it is executed on loading. File names are bare names, so that a bundle cannot reach outside itself. The layout,
little-endian:

====== ===== ==================================================================
offset size  field
====== ===== ==================================================================
0      4     magic ``LSB1`` (the last character is the version)
4      4     length of the manifest
8      m     manifest: `Manifest` as JSON
8+m    ...   the files, one after another, in the order of the manifest's list
====== ===== ==================================================================

The manifest lists size and SHA-256 of every file; its own digest (`manifest_digest`) therefore names all of it.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from lineside.domain.coverage.facts import Coverage
from lineside.domain.errors import IntegrityError
from lineside.wire.unreadable import UNREADABLE

MAGIC: Final = b"LSB1"
MODEL_FILE: Final = "model.onnx"
TREE_NODES: Final = "tree_nodes.npy"
TREE_ROOTS: Final = "tree_roots.npy"
TREE_TARGET: Final = "tree_target.npy"
TREE_EXPECTED: Final = "tree_expected.npy"
"""The splits of a tree ensemble, for path attribution: see `lineside.domain.judging.trees.TreeTable`."""
TREE_LEAVES: Final = "tree_leaves.npy"
"""Where a bundle has them, its trees are walked by compiled code and the graph begins behind them, at input ``raw``:
the output of every leaf; a child below 0 in the splits is leaf ``-1 - child``."""
LINEAGE: Final = "lineage.json"
"""What a bundle was made from, where it was not learned but made of another: see `lineside.learn.variants`."""
RESIDUALS: Final = "residuals.npy"
"""Measured less expected, ascending, of parts that a regression had not seen."""
SETUP_DIRECTIONS: Final = "setup_directions.npy"
SETUPS_SEEN: Final = "setups_seen.json"
"""The directions in which setups differ, and where those seen in learning lie: see `lineside.domain.baselines`."""
GOLDEN_INPUTS: Final = "golden_inputs.npy"
GOLDEN_SCORES: Final = "golden_scores.npy"
"""Rows of inputs, and the scores they give one after the other: what every opening of the bundle checks."""
GOLDEN_PARTS: Final = "golden_parts.npy"
GOLDEN_ANSWERS: Final = "golden_answers.json"
"""Whole parts as features, and how they must be judged: what a device checks before the model goes live."""
REFERENCE_PARTS: Final = "reference_parts.npy"
"""Features of parts that were learned from, evenly spread over their time: what later parts are held against."""
SOFTWARE: Final = "software.json"
"""What it was learned with, as a CycloneDX bill of materials."""
_PREFIX: Final = struct.Struct("<4sI")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}\.(onnx|npy|json)")
_MOST_BYTES: Final = 512 * 1024 * 1024


class FileFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Size in bytes and SHA-256 (hexadecimal) of one file."""

    name: str
    size: int
    sha256: str


class FeatureFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One feature of the recipe, and what is usual for it: median, and the band of 95 % of conforming parts."""

    name: str
    signal: str
    unit: str
    role: str
    usual: float
    low: float
    high: float


class ExperienceFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The region of conditions that was learned from; see `lineside.domain.judging.experience`.

    ``features`` are positions in the recipe; ``precision`` is the inverse covariance of the standardised
    conditions, row after row; ``limit`` is the greatest squared distance that counts as known.
    """

    features: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    precision: tuple[float, ...]
    limit: float
    seen_low: tuple[float, ...] = ()
    seen_high: tuple[float, ...] = ()


class StepFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the limit is widened from so many good parts of a setup on: `lineside.domain.baselines.Step`."""

    parts: int
    width: float
    gross: float


class ScatterFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the scores of single setups scatter: `lineside.domain.baselines.Scatter`."""

    centre: float
    between: float
    within: float


class SetupsFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of setups: `lineside.domain.baselines.SetupFacts`, whose directions are a file of their own.

    ``features`` are the positions in the recipe of what a setup moves. ``widens`` says that the score is a distance,
    whose limit is wider the less is known of a setup.
    """

    signals: tuple[str, ...]
    parts: int
    features: tuple[int, ...]
    widens: bool
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    between: tuple[float, ...]
    worth: float
    steps: tuple[StepFact, ...]
    scatter: ScatterFact


class EffectFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a feature moves with one condition, a position in the recipe.

    ``slope`` is the mean change, in the feature's unit per unit of the condition, from ``low`` to ``high`` (the
    condition's 5 % and 95 % points); ``bends`` says that it is no straight line.
    """

    condition: int
    slope: float
    low: float
    high: float
    bends: bool


class ResponseFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a feature, a position in the recipe, responds to its conditions.

    ``explained`` is the share of its variance that they explain on parts not learned from; ``low`` to ``high`` is the
    band of 95 % of conforming parts about what is usual under their conditions.
    """

    feature: int
    effects: tuple[EffectFact, ...]
    explained: float
    low: float
    high: float


class FollowFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the limit follows slow change: `lineside.domain.following.FollowFacts`."""

    watch: float
    share: float
    step: float
    reach: float


class TrainingFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model was made from and how it did; times are UTC ns, ``metrics`` by the validation ``scheme``.

    ``since``: only parts made since then (UTC ns; 0: any) were to be learned from. ``data_marks`` say what the history
    held: its last sequence by ``writer/epoch`` (none: the data were files). ``coverage`` is what its parts have seen of
    the plan's envelope (None: not counted), ``regimes`` says in words what the model made of regimes left out of
    learning, ``augmentation`` whether made-up parts helped it and were kept, ``older`` what parts made before ``since``
    teach. ``guaranteed_rate`` is the share of
    conforming parts that the limit promises on average over such limits, ``likely_rate`` the one that nine of ten of
    them keep.
    """

    data_version: str
    code_version: str
    seed: int
    trained: int
    first: int
    last: int
    rows: int
    nonconforming: int
    calibration_rows: int
    dropped: dict[str, int]
    reason: str
    scheme: str
    metrics: dict[str, float]
    guaranteed_rate: float
    likely_rate: float = 1.0
    parity: float
    coverage: Coverage | None = None
    regimes: tuple[str, ...] = ()
    augmentation: str = ""
    older: str = ""
    data_marks: dict[str, int] = {}
    since: int = 0


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is to be known of a model.

    ``features`` is the whole recipe, in order; ``inputs`` are the positions that the graph reads, in its order; the
    last ``conditions`` of them are only what the others are judged by, as ``responses`` say, and carry no share of a
    score. ``limit`` is compared with the score (above: alarm). ``memory`` is the EWMA weight of the newest part (1:
    none), ``lags`` the number of earlier parts that are put beside each. ``calibration`` holds the named parameters
    that turn raw scores into risks or values. ``lsl``/``usl`` are the specification of a variable.
    """

    format: int = 1
    release: str
    version: int
    site: str
    line: str
    station: str
    characteristic: str
    kind: str
    family: str
    classes: tuple[str, ...]
    nonconforming: tuple[str, ...]
    plan_digest: str
    plan_revision: int
    recipe: str
    features: tuple[FeatureFact, ...]
    inputs: tuple[int, ...]
    conditions: int = 0
    responses: tuple[ResponseFact, ...] = ()
    limit: float
    false_alarm_rate: float
    memory: float = 1.0
    lags: int = 0
    drift: float = 0.0
    cusum: float = 0.0
    calibration: dict[str, float] = {}
    lsl: float | None = None
    usl: float | None = None
    experience: ExperienceFact | None = None
    setups: SetupsFact | None = None
    follow: FollowFact | None = None
    training: TrainingFacts
    files: tuple[FileFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A manifest and the files it lists; made by `seal` or `unpack_bundle`."""

    manifest: Manifest
    files: Mapping[str, bytes]

    @property
    def name(self) -> str:
        """The name that every score carries: release, version and the digest of the whole."""
        return f"{self.manifest.release}/{self.manifest.version}+{manifest_digest(self.manifest)[:12]}"

    def array(self, name: str) -> NDArray[Any]:
        """Return the array in a ``.npy`` file.

        Raises:
            IntegrityError: there is no such file, or it is no plain numeric array.
        """
        if name not in self.files:
            raise IntegrityError("a bundle lacks a file", field=name, choices=tuple(self.files))
        try:
            array: NDArray[Any] = np.load(io.BytesIO(self.files[name]), allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise IntegrityError(f"an array of a bundle cannot be read: {error}", field=name) from error
        return array


def array_bytes(array: NDArray[Any]) -> bytes:
    """Return an array as the bytes of a ``.npy`` file; objects are refused with `ValueError`."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def seal(manifest: Manifest, files: Mapping[str, bytes]) -> Bundle:
    """Return the bundle of these files, its manifest completed with their sizes and hashes."""
    facts = tuple(
        FileFact(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in sorted(files.items())
    )
    return Bundle(msgspec.structs.replace(manifest, files=facts), dict(files))


def manifest_digest(manifest: Manifest) -> str:
    """Return the SHA-256 of a manifest, and through its list of files of the whole bundle."""
    return hashlib.sha256(encode_manifest(manifest)).hexdigest()


def pack_bundle(bundle: Bundle) -> bytes:
    """Return the bytes of a bundle.

    Raises:
        IntegrityError: the files are not those of the manifest.
    """
    _check_files(bundle.manifest, bundle.files)
    manifest = encode_manifest(bundle.manifest)
    parts = [_PREFIX.pack(MAGIC, len(manifest)), manifest]
    return b"".join(parts + [bundle.files[fact.name] for fact in bundle.manifest.files])


def unpack_bundle(data: bytes) -> Bundle:
    """Return the bundle that the bytes hold, every file checked against the manifest.

    Raises:
        IntegrityError: the bytes are cut, changed, of another version or no bundle at all.
    """
    manifest, offset = _read_manifest(data)
    files = {}
    for fact in manifest.files:
        if fact.name in files:
            raise IntegrityError("a file is listed twice", field=fact.name)
        files[fact.name] = data[offset : offset + max(fact.size, 0)]
        offset += max(fact.size, 0)
    if offset != len(data):
        raise IntegrityError("a bundle has the wrong length", field="length", value=len(data), choices=(offset,))
    _check_files(manifest, files)
    return Bundle(manifest, files)


def _read_manifest(data: bytes) -> tuple[Manifest, int]:
    if not _PREFIX.size <= len(data) <= _MOST_BYTES:
        raise IntegrityError("a bundle is cut short or too large", field="length", value=len(data))
    magic, length = _PREFIX.unpack_from(data)
    if magic != MAGIC:
        raise IntegrityError("not a bundle of this version", field="magic", value=magic, choices=(MAGIC,))
    try:
        raw = data[_PREFIX.size : _PREFIX.size + length]
        manifest = msgspec.json.decode(raw, type=Manifest)
    except UNREADABLE as error:
        raise IntegrityError(f"a bundle's manifest cannot be read: {error}") from error
    if encode_manifest(manifest) != raw:
        raise IntegrityError("a bundle's manifest is not in its one canonical form")
    return manifest, _PREFIX.size + length


def _check_files(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    listed = {fact.name for fact in manifest.files}
    if listed != set(files) or MODEL_FILE not in listed:
        raise IntegrityError("a bundle's files are not those it lists", value=sorted(files), choices=sorted(listed))
    for fact in manifest.files:
        if _NAME.fullmatch(fact.name) is None:
            raise IntegrityError("a file name that a bundle must not have", value=fact.name)
        data = files[fact.name]
        if len(data) != fact.size or hashlib.sha256(data).hexdigest() != fact.sha256:
            raise IntegrityError("a file of a bundle is not what its manifest says", field=fact.name)


def encode_manifest(manifest: Manifest) -> bytes:
    """Return a manifest in its one canonical form."""
    return msgspec.json.encode(manifest, order="deterministic")
