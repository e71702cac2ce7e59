"""The keys of model releases in a folder of keys: the private one that signs offers, and the public ones to trust.

``release.key`` is a secret of whoever releases models (the plant). ``trusted.json`` lists the public keys that a
gateway believes, with their roles; it is no secret, but who can write it decides which models run, so it must be
writable by its owner alone. On a machine that is both, the first use makes the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lineside.adapters.durable_files import load_key, replace_file
from lineside.domain.errors import ConfigurationError
from lineside.wire.offers import RELEASE_ROLE
from lineside.wire.signed import Signer, TrustedKey, decode_trust, encode_trust

RELEASE_KEY: Final = "release.key"
TRUSTED: Final = "trusted.json"


def release_signer(keys: Path) -> Signer:
    """Return the signer of releases, making its key where there is none, and the list of trusted keys beside it.

    A new key is added to the list; else a list that is there stays as it is: whom to trust is somebody's decision.

    Raises:
        ConfigurationError: the key is none, or others can read it.
        StorageError: it cannot be written.
    """
    fresh = not (keys / RELEASE_KEY).exists()
    signer = Signer(load_key(keys / RELEASE_KEY))
    listed = trusted_keys(keys) if (keys / TRUSTED).exists() else None
    if listed is None or (fresh and all(key.public != signer.public for key in listed)):
        own = signer.trusted("release key of this machine", RELEASE_ROLE)
        replace_file(keys / TRUSTED, encode_trust([*(listed or ()), own]))
    return signer


def trusted_keys(keys: Path) -> tuple[TrustedKey, ...]:
    """Return the public keys to trust.

    Raises:
        ConfigurationError: there is no list of them, or others than its owner can write it.
        IntegrityError: the list cannot be read.
    """
    path = keys / TRUSTED
    if not path.is_file():
        raise ConfigurationError(
            "no list of trusted keys, so that no model can be taken",
            where=str(path),
            next_step="copy the file of that name from the plant's folder of keys",
        )
    if path.stat().st_mode & 0o022:
        raise ConfigurationError(
            "others can write the list of trusted keys", where=str(path), next_step="set its mode to 0600"
        )
    return decode_trust(path.read_bytes())


def release_keys(keys: Path) -> tuple[TrustedKey, ...]:
    """Return the public keys that a plant's gateways shall believe for releases, its own made where there is none."""
    release_signer(keys)
    return tuple(key for key in trusted_keys(keys) if RELEASE_ROLE in key.roles)


def believe(keys: Path, releases: Sequence[TrustedKey]) -> None:
    """Believe these keys for releases from now on, and no others; keys for something else stay.

    Raises:
        StorageError: the list could not be written.
    """
    known = trusted_keys(keys) if (keys / TRUSTED).exists() else ()
    others = [key for key in known if RELEASE_ROLE not in key.roles]
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(keys / TRUSTED, encode_trust([*others, *(key for key in releases if RELEASE_ROLE in key.roles)]))
