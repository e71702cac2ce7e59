from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.domain.errors import IntegrityError
from lineside.wire.bundle import (
    MODEL_FILE,
    Bundle,
    Manifest,
    TrainingFacts,
    array_bytes,
    manifest_digest,
    pack_bundle,
    seal,
    unpack_bundle,
)


def a_manifest() -> Manifest:
    training = TrainingFacts(
        data_version="d", code_version="c", seed=0, trained=1, first=0, last=1, rows=9, nonconforming=0,
        calibration_rows=3, dropped={"duplicate": 1}, reason="r", scheme="s", metrics={"auc": 0.9},
        guaranteed_rate=0.01, parity=1e-7,
    )  # fmt: skip
    return Manifest(
        release="porosity", version=3, site="s", line="l", station="press", characteristic="porosity",
        kind="attribute", family="normal", classes=("good", "bad"), nonconforming=("bad",), plan_digest="p",
        plan_revision=1, recipe="r", features=(), inputs=(0, 1), limit=1.5, false_alarm_rate=0.01, training=training,
    )  # fmt: skip


def a_bundle() -> Bundle:
    return seal(a_manifest(), {MODEL_FILE: b"graph", "values.npy": array_bytes(np.arange(3.0))})


@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}\.(npy|json)", fullmatch=True), st.binary(max_size=64)),
    st.binary(max_size=64),
)
def test_a_bundle_comes_back_as_it_was_packed(files: dict[str, bytes], graph: bytes) -> None:
    bundle = seal(a_manifest(), {**files, MODEL_FILE: graph})
    assert unpack_bundle(pack_bundle(bundle)) == bundle


@settings(max_examples=300)
@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    packed = bytearray(pack_bundle(a_bundle()))
    position = data.draw(st.integers(0, len(packed) - 1))
    packed[position] ^= data.draw(st.integers(1, 255))
    try:
        changed = unpack_bundle(bytes(packed))
    except IntegrityError:
        return
    # What is left is a manifest that says something else, and says so by another digest.
    assert manifest_digest(changed.manifest) != manifest_digest(a_bundle().manifest)


@given(st.integers(0, 10_000))
def test_a_bundle_cut_short_is_refused(length: int) -> None:
    packed = pack_bundle(a_bundle())
    with pytest.raises(IntegrityError):
        unpack_bundle(packed[: min(length, len(packed) - 1)])


def test_trailing_bytes_are_refused() -> None:
    with pytest.raises(IntegrityError):
        unpack_bundle(pack_bundle(a_bundle()) + b"\0")


@pytest.mark.parametrize("name", ["../evil.npy", "/etc/passwd", "a/b.npy", "model.pkl", "MODEL.onnx", ".npy"])
def test_a_file_name_that_could_reach_outside_is_refused(name: str) -> None:
    with pytest.raises(IntegrityError):
        pack_bundle(seal(a_manifest(), {MODEL_FILE: b"graph", name: b""}))


def test_a_file_that_is_not_listed_is_refused() -> None:
    bundle = a_bundle()
    with pytest.raises(IntegrityError):
        pack_bundle(Bundle(bundle.manifest, {**bundle.files, "more.npy": b""}))


def test_a_changed_file_under_the_same_manifest_is_refused() -> None:
    bundle = a_bundle()
    with pytest.raises(IntegrityError, match="not what its manifest says"):
        pack_bundle(Bundle(bundle.manifest, {**bundle.files, MODEL_FILE: b"grapf"}))


def test_an_unknown_field_in_the_manifest_is_refused() -> None:
    packed = pack_bundle(a_bundle())
    length = int.from_bytes(packed[4:8], "little")
    manifest = msgspec.json.decode(packed[8 : 8 + length])
    raw = msgspec.json.encode({**manifest, "code": "import os"})
    with pytest.raises(IntegrityError):
        unpack_bundle(packed[:4] + len(raw).to_bytes(4, "little") + raw + packed[8 + length :])


def test_an_array_of_objects_is_never_loaded() -> None:
    pickled = bytearray(array_bytes(np.arange(3.0)))
    bundle = seal(a_manifest(), {MODEL_FILE: b"", "values.npy": bytes(pickled).replace(b"'<f8'", b"'|O' ")})
    with pytest.raises(IntegrityError):
        bundle.array("values.npy")
    with pytest.raises(ValueError, match="Object arrays"):
        array_bytes(np.array([object()]))


def test_a_missing_array_is_named() -> None:
    with pytest.raises(IntegrityError, match=r"nothing\.npy"):
        a_bundle().array("nothing.npy")
