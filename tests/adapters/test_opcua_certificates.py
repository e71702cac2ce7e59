"""Our own certificate of OPC UA, and the file of those that are pinned."""

from pathlib import Path

import pytest

from lineside.adapters.opcua.certificates import days_left, own_certificate, pin, pinned, utc
from lineside.domain.errors import ConfigurationError
from lineside.testing.clocks import WallClock
from lineside.testing.peers.identities import make_identity


def test_our_certificate_is_made_once_and_kept(tmp_path: Path) -> None:
    now = utc(WallClock().now())
    first = own_certificate(tmp_path / "keys" / "a.crt", tmp_path / "keys" / "a.key", "urn:a", now)
    before = first.certificate.read_bytes()
    again = own_certificate(first.certificate, first.key, "urn:other", now)
    assert again.uri == "urn:a"
    assert again.certificate.read_bytes() == before


def test_a_pin_file_holds_several_certificates_for_the_time_of_a_change(tmp_path: Path) -> None:
    old, new = make_identity(tmp_path, "old"), make_identity(tmp_path, "new")
    path = tmp_path / "machine.peer.crt"
    path.write_bytes(old.certificate.read_bytes() + b"\n" + new.certificate.read_bytes())
    assert pinned(path) == (old.der, new.der)


def test_pinning_replaces_what_was_trusted_before(tmp_path: Path) -> None:
    old, new = make_identity(tmp_path, "old"), make_identity(tmp_path, "new")
    path = tmp_path / "keys" / "machine.peer.crt"
    pin(path, old.der)
    pin(path, new.der)
    assert pinned(path) == (new.der,)
    assert path.stat().st_mode & 0o077 == 0


def test_files_that_are_no_certificates_are_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.crt"
    path.write_text("no certificate")
    with pytest.raises(ConfigurationError, match="trust the machine anew"):
        pinned(path)
    with pytest.raises(ConfigurationError, match="delete both files"):
        own_certificate(path, tmp_path / "a.key", "urn:a", utc(WallClock().now()))


def test_the_days_of_a_certificate_are_counted_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    now = utc(WallClock().now())
    left = days_left(make_identity(tmp_path, "short", ends=3).der, now)
    assert left is not None
    assert 2 <= left.days <= 3
    assert days_left(make_identity(tmp_path, "future", begins=2, ends=9).der, now) is None
