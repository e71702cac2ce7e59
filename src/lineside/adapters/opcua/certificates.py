"""Certificates of OPC UA: this gateway's own, made on first need, and the machine's, which is pinned.

A machine's server makes its certificate itself, as a rule, so that no authority vouches for it. What can be known is
that it is the one that a person compared by its fingerprint: that one is pinned in a file of the keys folder, and any
other is refused. The file may hold several certificates (PEM, one after another), for the time of a change.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lineside.adapters.durable_files import replace_file
from lineside.domain.errors import ConfigurationError

OWN_DAYS: Final = 3650
"""A machine is told once which certificate to trust; that should not have to happen again every year."""
KEY_BITS: Final = 2048
"""What both security policies allow and every server takes (Part 7: 2048 to 4096)."""
SOON: Final = timedelta(days=30)
"""Before the end of a certificate, a word of warning."""
_SKEW: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnCertificate:
    """The files of this gateway's certificate and key, and the application URI that the certificate says."""

    certificate: Path
    key: Path
    uri: str


def own_certificate(certificate: Path, key: Path, uri: str, now: datetime) -> OwnCertificate:
    """Return this gateway's application certificate, made with its key where there is neither.

    Args:
        certificate: its file; one that is there is used as it is, and says its own URI.
        key: the file of its private key, for its owner alone.
        uri: application URI of one that is made (Part 6, 6.2.2).
        now: the time.

    Raises:
        ConfigurationError: only one of the two is there, or they cannot be read or written.
    """
    try:
        with _alone(key):
            if not certificate.exists() and not key.exists():
                _make(certificate, key, uri, now)
        return OwnCertificate(certificate=certificate, key=key, uri=_uri_of(_first(certificate)))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "the gateway's certificate or its key cannot be used",
            where=str(certificate),
            value=str(error)[:200],
            next_step="delete both files, so that they are made anew, and let the machine trust the new one",
        ) from error


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate in the form that servers and browsers show it."""
    return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256()).hex(":").upper()


def pinned(path: Path | None) -> tuple[bytes, ...]:
    """Return the certificates that are trusted, in DER; none where there is no file.

    Raises:
        ConfigurationError: the file holds no certificate.
    """
    if path is None or not path.exists():
        return ()
    try:
        return tuple(item.public_bytes(serialization.Encoding.DER) for item in _all(path))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "the file of the machine's certificate cannot be read",
            where=str(path),
            next_step="delete it and trust the machine anew: lineside source trust",
        ) from error


def pin(path: Path, der: bytes) -> None:
    """Trust a certificate from now on, and no other, durably."""
    certificate = x509.load_der_x509_certificate(der)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, certificate.public_bytes(serialization.Encoding.PEM))


def days_left(der: bytes, now: datetime) -> timedelta | None:
    """Return how long a certificate is still valid: negative once it has ended, None where it has not begun."""
    certificate = x509.load_der_x509_certificate(der)
    if certificate.not_valid_before_utc - _SKEW > now:
        return None
    return certificate.not_valid_after_utc - now


def described(der: bytes) -> str:
    """Return what a person needs to know of a certificate, in one line."""
    certificate = x509.load_der_x509_certificate(der)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return f"{certificate.subject.rfc4514_string()}, valid {begins:%Y-%m-%d} to {ends:%Y-%m-%d}"


def _make(certificate: Path, key: Path, uri: str, now: datetime) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Lineside gateway"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lineside"),
        ]
    )
    public = private.public_key()
    names = [x509.UniformResourceIdentifier(uri), x509.DNSName(socket.gethostname())]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + timedelta(days=OWN_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(private, hashes.SHA256())
    )
    plain, form = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    replace_file(key, private.private_bytes(serialization.Encoding.PEM, form, plain))
    replace_file(certificate, made.public_bytes(serialization.Encoding.PEM))


@contextmanager
def _alone(key: Path) -> Iterator[None]:
    """Let one process at a time look for a key and make it."""
    key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(key.with_name(f".{key.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _usage() -> x509.KeyUsage:
    """Return the usages that Part 6, 6.2.2 asks of an application's certificate."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _uri_of(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise ValueError("the certificate names no application URI") from error
    uris: Sequence[str] = names.get_values_for_type(x509.UniformResourceIdentifier)
    if not uris:
        raise ValueError("the certificate names no application URI")
    return uris[0]


def _first(path: Path) -> x509.Certificate:
    return _all(path)[0]


def _all(path: Path) -> list[x509.Certificate]:
    data = path.read_bytes()
    if data.lstrip().startswith(b"-----"):
        return x509.load_pem_x509_certificates(data)
    return [x509.load_der_x509_certificate(data)]


def utc(nanoseconds: int) -> datetime:
    """Return UTC nanoseconds as a date."""
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)
