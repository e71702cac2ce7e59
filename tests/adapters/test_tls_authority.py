"""The local authority and what it signs, over real TLS."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lineside.adapters.tls_authority import LocalCertificate, local_certificate, names_of
from lineside.domain.errors import ConfigurationError, InputError
from lineside.domain.units import DAY, SECOND

NAMES = ("board.plant.example", "127.0.0.1")
NOW = 1_795_000_000 * SECOND


@contextmanager
def tls_server(files: LocalCertificate) -> Iterator[int]:
    """A server that shakes one hand."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)
            except (ssl.SSLError, OSError):
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize("name", NAMES)
def test_who_trusts_the_authority_trusts_the_board_under_each_of_its_names(tmp_path: Path, name: str) -> None:
    files = local_certificate(tmp_path / "keys", NAMES, time.time_ns())
    context = ssl.create_default_context(cafile=files.authority)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        tls_server(files) as port,
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        assert secured.version() in {"TLSv1.2", "TLSv1.3"}
        secured.send(b"x")


def test_who_does_not_trust_the_authority_refuses_the_board(tmp_path: Path) -> None:
    files = local_certificate(tmp_path / "keys", NAMES, time.time_ns())
    context = ssl.create_default_context()
    with (
        tls_server(files) as port,
        socket.create_connection(("127.0.0.1", port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname=NAMES[0])


def test_every_file_is_for_its_owner_only(tmp_path: Path) -> None:
    local_certificate(tmp_path / "keys", NAMES, NOW)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    assert modes == dict.fromkeys(("authority.crt", "authority.key", "board.crt", "board.key"), 0o600)


def test_asking_again_changes_nothing_until_a_month_is_left(tmp_path: Path) -> None:
    first = local_certificate(tmp_path, NAMES, NOW)
    before = first.certificate.read_bytes()
    assert local_certificate(tmp_path, NAMES, NOW + 360 * DAY) == first
    assert first.certificate.read_bytes() == before
    renewed = local_certificate(tmp_path, NAMES, NOW + 370 * DAY)
    assert renewed.certificate.read_bytes() != before
    assert renewed.fingerprint == first.fingerprint


def test_other_names_get_another_certificate_from_the_same_authority(tmp_path: Path) -> None:
    first = local_certificate(tmp_path, NAMES, NOW)
    before = first.certificate.read_bytes()
    second = local_certificate(tmp_path, (*NAMES, "10.0.0.9"), NOW)
    assert second.certificate.read_bytes() != before
    assert second.fingerprint == first.fingerprint


@pytest.mark.parametrize("names", [(), ("bücher.example",)])
def test_a_certificate_needs_names_that_are_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="names"):
        local_certificate(tmp_path, names, NOW)


@pytest.mark.parametrize("damaged", ["authority.key", "authority.crt", "board.crt", "board.key"])
def test_a_damaged_file_is_named_and_never_replaced_in_silence(tmp_path: Path, damaged: str) -> None:
    local_certificate(tmp_path, NAMES, NOW)
    (tmp_path / damaged).write_text("not a key")
    with pytest.raises(ConfigurationError, match=damaged):
        local_certificate(tmp_path, ("other.example",), NOW)


def test_a_server_is_named_by_what_it_listens_at_or_by_its_machine() -> None:
    assert names_of("board.example") == ("board.example", "localhost", "127.0.0.1")
    assert names_of("localhost") == ("localhost", "127.0.0.1")
    everywhere = names_of("0.0.0.0")
    assert everywhere[0] == socket.gethostname()
    assert "0.0.0.0" not in everywhere
