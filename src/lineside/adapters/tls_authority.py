"""TLS on a plant network without a public name: a local authority, and the certificates of board and transport.

The authority is made once, for ten years, and signs one certificate a server for the names and addresses under which
it is reached. Its certificate is what tablets and gateways are told to trust; its key never leaves the folder. A
server's certificate lasts 397 days, which every browser and tablet accepts, and is renewed when a month of it is
left or the names change.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lineside.domain.errors import ConfigurationError, InputError
from lineside.domain.units import SECOND

AUTHORITY_DAYS: Final = 3650
SERVER_DAYS: Final = 397
RENEW_DAYS: Final = 30
_SKEW: Final = timedelta(hours=1)
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - what it is compared with, not listened at


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalCertificate:
    """The files with which a server speaks TLS, and the authority that tablets and gateways should trust.

    ``fingerprint`` is that of the authority's certificate (SHA-256, as devices show it), to compare by eye.
    """

    certificate: Path
    key: Path
    authority: Path
    fingerprint: str


def local_certificate(folder: Path, names: Sequence[str], now: int, server: str = "board") -> LocalCertificate:
    """Return a server's certificate, made or renewed where that is needed.

    Args:
        folder: where the files are kept, such as ``DATA/keys``; made for its owner only.
        names: host names and IP addresses under which the server is reached.
        now: UTC nanoseconds.
        server: what the files are called.

    Raises:
        InputError: there is no name.
        ConfigurationError: what is in the folder cannot be read.
    """
    if not names:
        raise InputError("a certificate needs a name or an address", field="names")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    moment = datetime.fromtimestamp(now // SECOND, tz=UTC)
    authority_key = _key(folder / "authority.key")
    authority = _authority(folder / "authority.crt", authority_key, moment)
    found = LocalCertificate(
        certificate=folder / f"{server}.crt",
        key=folder / f"{server}.key",
        authority=folder / "authority.crt",
        fingerprint=authority.fingerprint(hashes.SHA256()).hex(":").upper(),
    )
    if not _holds(found.certificate, authority, names, moment):
        certificate = _sign(_key(found.key), authority, authority_key, names, moment)
        _write(found.certificate, _pem(certificate) + _pem(authority))
    return found


def authority_der(pem: bytes) -> bytes:
    """Return an authority's certificate in its short form, which fits into an enrolment token."""
    return x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)


def authority_pem(der: bytes) -> bytes:
    """Return an authority's certificate as a file holds it.

    Raises:
        InputError: the bytes are none.
    """
    try:
        return _pem(x509.load_der_x509_certificate(der))
    except ValueError as error:
        raise InputError("not a certificate", field="authority") from error


def names_of(host: str) -> tuple[str, ...]:
    """Return the names and addresses under which a server that listens at a host is reached.

    One that listens everywhere is reached by the machine's own names and addresses.
    """
    here = ("localhost", "127.0.0.1")
    if host not in _EVERYWHERE:
        return tuple(dict.fromkeys((host, *here)))
    name = socket.gethostname()
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(name, None)}
    except OSError:
        found = set()  # a machine without a name in its network is reached by what `here` says, or by an own name
    addresses = sorted(address for address in found if "%" not in address)
    return tuple(dict.fromkeys((name, *addresses, *here)))


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in a file, made where there is none."""
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        _write(path, made.private_bytes(serialization.Encoding.PEM, form, plain))
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, OSError) as error:
        raise _unreadable(path) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _unreadable(path)
    return key


def _authority(path: Path, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    if not path.exists():
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lineside local authority")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(path, _pem(made))
    return _read(path)


def _sign(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + timedelta(days=SERVER_DAYS))
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _holds(path: Path, authority: x509.Certificate, names: Sequence[str], now: datetime) -> bool:
    """Return whether the certificate in a file is of this authority, for these names, and not about to end."""
    if not path.exists():
        return False
    found = _read(path)
    covered = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        found.issuer == authority.subject
        and set(covered) == {_name(name) for name in names}
        and found.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)
    )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError as error:
        raise InputError("not a host name or address", field="names", value=name) from error


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _read(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (ValueError, OSError) as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> ConfigurationError:
    return ConfigurationError(
        "cannot be read as a key or certificate", where=str(path), next_step="move it away to have a new one made"
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file for its owner only, whole or not at all."""
    draft = path.with_suffix(path.suffix + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
