"""What every `lineside.ports.Registry` keeps to. Subclass, and give the ``registry`` fixture, empty."""

from __future__ import annotations

import msgspec
import pytest

from lineside.domain.errors import IntegrityError, StorageError
from lineside.ports import Registry
from lineside.testing.modelling import CHARACTERISTIC, STATION
from lineside.wire.bundle import MODEL_FILE, Bundle, Manifest, TrainingFacts, seal


def some_bundle(version: int, *, station: str = STATION, characteristic: str = CHARACTERISTIC) -> Bundle:
    """Return a bundle that carries no working model."""
    training = TrainingFacts(
        data_version="d", code_version="c", seed=0, trained=1, first=0, last=1, rows=9, nonconforming=0,
        calibration_rows=3, dropped={"duplicate": 1}, reason="r", scheme="s", metrics={"auc": 0.9},
        guaranteed_rate=0.01, parity=1e-7,
    )  # fmt: skip
    manifest = Manifest(
        release=characteristic, version=version, site="s", line="l", station=station, characteristic=characteristic,
        kind="attribute", family="normal", classes=("good", "bad"), nonconforming=("bad",), plan_digest="p",
        plan_revision=1, recipe="r", features=(), inputs=(0, 1), limit=1.5, false_alarm_rate=0.01, training=training,
    )  # fmt: skip
    return seal(manifest, {MODEL_FILE: b"graph"})


class RegistryConformance:
    """The suite; fixture: ``registry``, empty."""

    def test_versions_count_up_by_characteristic(self, registry: Registry) -> None:
        """The first is 1; a gap is not filled."""
        assert registry.next_version(CHARACTERISTIC) == 1
        registry.add(some_bundle(1))
        registry.add(some_bundle(5))
        assert registry.next_version(CHARACTERISTIC) == 6
        assert registry.next_version("other") == 1

    def test_a_version_is_never_overwritten(self, registry: Registry) -> None:
        """Adding it again is refused."""
        registry.add(some_bundle(1))
        with pytest.raises(StorageError):
            registry.add(some_bundle(1))

    def test_nothing_is_in_service_until_it_is_activated(self, registry: Registry) -> None:
        """Adding alone changes nothing at the line."""
        registry.add(some_bundle(1))
        assert registry.active(STATION) == ()

    def test_one_bundle_at_a_time_is_in_service_and_the_older_can_come_back(self, registry: Registry) -> None:
        """Activation replaces, both ways."""
        for version in (1, 2):
            registry.add(some_bundle(version))
            registry.activate(some_bundle(version))
        assert registry.active(STATION) == (some_bundle(2),)
        registry.activate(some_bundle(1))
        assert registry.active(STATION) == (some_bundle(1),)

    def test_stations_and_characteristics_do_not_mix(self, registry: Registry) -> None:
        """Each has its own bundle in service."""
        bundles = [
            some_bundle(1),
            some_bundle(1, characteristic="shrinkage"),
            some_bundle(1, station="other", characteristic="flatness"),
        ]
        for bundle in bundles:
            registry.add(bundle)
            registry.activate(bundle)
        assert registry.active(STATION) == tuple(bundles[:2])
        assert registry.active("other") == (bundles[2],)

    def test_what_is_not_kept_cannot_be_activated(self, registry: Registry) -> None:
        """A bundle that was never added is refused, and so is another one under a kept version."""
        with pytest.raises(IntegrityError):
            registry.activate(some_bundle(1))
        registry.add(some_bundle(1))
        manifest = msgspec.structs.replace(some_bundle(1).manifest, limit=9.0)
        with pytest.raises(IntegrityError):
            registry.activate(seal(manifest, {MODEL_FILE: b"graph"}))
