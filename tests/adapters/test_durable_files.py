import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineside.adapters.durable_files import load_key, replace_file, sync_path
from lineside.domain.errors import ConfigurationError, StorageError


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "a.key"
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: load_key(path), range(32)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["a.key"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_key(tmp_path / "a.key")
    (tmp_path / "a.key").chmod(0o644)
    with pytest.raises(ConfigurationError, match="0600"):
        load_key(tmp_path / "a.key")


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    replace_file(tmp_path / "a.key", b"short")
    with pytest.raises(ConfigurationError, match="32 bytes"):
        load_key(tmp_path / "a.key")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    replace_file(tmp_path / "f", b"one")
    replace_file(tmp_path / "f", b"two")
    assert (tmp_path / "f").read_bytes() == b"two"
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


def test_what_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        replace_file(tmp_path / "absent" / "f", b"")
    with pytest.raises(StorageError):
        sync_path(tmp_path / "absent")
