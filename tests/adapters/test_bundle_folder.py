from __future__ import annotations

from pathlib import Path

import pytest

from lineside.adapters.bundle_folder import ACTIVE, BundleFolder
from lineside.domain.errors import IntegrityError, StorageError
from lineside.testing.conformance.registry import RegistryConformance, some_bundle
from lineside.testing.modelling import CHARACTERISTIC, STATION


class TestBundleFolder(RegistryConformance):
    @pytest.fixture
    def registry(self, tmp_path: Path) -> BundleFolder:
        return BundleFolder(tmp_path / "bundles")


def kept(folder: Path) -> BundleFolder:
    registry = BundleFolder(folder)
    registry.add(some_bundle(1))
    registry.activate(some_bundle(1))
    return registry


def test_what_was_kept_is_there_for_the_next_process(tmp_path: Path) -> None:
    kept(tmp_path)
    assert BundleFolder(tmp_path).active(STATION) == (some_bundle(1),)
    assert BundleFolder(tmp_path).bundles(CHARACTERISTIC) == (some_bundle(1),)


def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    kept(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [ACTIVE, f"{CHARACTERISTIC}-1.bundle"]


def test_a_damaged_bundle_is_refused_and_the_version_stays_taken(tmp_path: Path) -> None:
    registry = kept(tmp_path)
    path = tmp_path / f"{CHARACTERISTIC}-1.bundle"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(IntegrityError):
        registry.active(STATION)
    assert registry.next_version(CHARACTERISTIC) == 2


def test_a_bundle_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    registry = kept(tmp_path)
    (tmp_path / f"{CHARACTERISTIC}-1.bundle").rename(tmp_path / f"{CHARACTERISTIC}-2.bundle")
    with pytest.raises(IntegrityError, match="not what its name says"):
        registry.bundles(CHARACTERISTIC)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"press/porosity": 3}',
        '{"press/porosity": "../porosity-1.bundle"}',
        '{"press/x": "porosity-1.bundle"}',
    ],
)
def test_a_list_of_bundles_in_service_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    registry = kept(tmp_path)
    (tmp_path / ACTIVE).write_text(text, encoding="utf-8")
    with pytest.raises(IntegrityError):
        registry.active(STATION)


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "bundles").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(StorageError):
        BundleFolder(tmp_path / "bundles" / "deeper").add(some_bundle(1))
