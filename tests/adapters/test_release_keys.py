"""Keys of releases: made once, trusted on purpose, and renewed without touching what they do not concern."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineside.adapters.durable_files import replace_file
from lineside.adapters.release_keys import RELEASE_KEY, TRUSTED, believe, release_keys, release_signer, trusted_keys
from lineside.domain.errors import ConfigurationError
from lineside.wire.signed import Signer, encode_trust

OTHER = Signer(bytes([7]) * 32)


def test_the_first_use_makes_a_key_that_this_machine_trusts(tmp_path: Path) -> None:
    signer = release_signer(tmp_path)
    assert release_signer(tmp_path).public == signer.public
    (key,) = trusted_keys(tmp_path)
    assert (key.public, key.roles) == (signer.public, ("release",))
    assert (tmp_path / RELEASE_KEY).stat().st_mode & 0o077 == 0


def test_a_list_that_somebody_made_is_only_added_to_by_a_new_key(tmp_path: Path) -> None:
    replace_file(tmp_path / TRUSTED, encode_trust([OTHER.trusted("configuration", "configuration")]))
    signer = release_signer(tmp_path)
    assert [key.public for key in trusted_keys(tmp_path)] == [OTHER.public, signer.public]
    replace_file(tmp_path / TRUSTED, encode_trust([OTHER.trusted("release", "release")]))
    release_signer(tmp_path)  # its own key was taken out of the list on purpose
    assert [key.public for key in trusted_keys(tmp_path)] == [OTHER.public]


def test_what_a_plant_says_replaces_the_release_keys_and_no_others(tmp_path: Path) -> None:
    release_signer(tmp_path)
    configuration = OTHER.trusted("configuration", "configuration")
    replace_file(tmp_path / TRUSTED, encode_trust([*trusted_keys(tmp_path), configuration]))
    plant = release_keys(tmp_path / "plant")
    believe(tmp_path, [*plant, Signer(bytes(32)).trusted("not for releases", "root")])
    assert trusted_keys(tmp_path) == (configuration, *plant)


def test_a_list_that_others_can_write_is_refused(tmp_path: Path) -> None:
    release_signer(tmp_path)
    (tmp_path / TRUSTED).chmod(0o666)
    with pytest.raises(ConfigurationError, match="others can write"):
        trusted_keys(tmp_path)
    (tmp_path / TRUSTED).unlink()
    with pytest.raises(ConfigurationError, match="no list of trusted keys"):
        trusted_keys(tmp_path)
