"""Who an enrolled gateway is: its keys, and what it knows its plant by, in one folder for its owner alone.

What is being enrolled is made beside the folder and put in its place once the plant has said yes. After a crash
half-way the same token finds the same draft, and finishes. The private keys are made here and never leave.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from lineside.adapters.durable_files import load_key, replace_file, sync_path
from lineside.domain.errors import ConfigurationError, StorageError
from lineside.wire.enrolment import EnrolToken, exchange_public
from lineside.wire.nkeys import user_seed
from lineside.wire.signed import Signer
from lineside.wire.unreadable import UNREADABLE

_FACTS: Final = "identity.json"
_KEY: Final = "gateway.key"
_SEED: Final = "gateway.seed"
_EXCHANGE: Final = "exchange.key"
_AUTHORITY: Final = "authority.crt"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is no secret: name, place, address, and the plant's public keys (hexadecimal)."""

    gateway: str
    site: str
    line: str
    url: str
    plant: str
    exchange: str
    enrolled: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """An enrolled gateway's folder and facts."""

    folder: Path
    facts: Facts

    @property
    def seed_file(self) -> Path:
        """The file from which the transport's client reads the seed."""
        return self.folder / _SEED

    @property
    def authority(self) -> bytes:
        """The authority of the plant's TLS certificate (PEM); empty where the connection is on loopback."""
        path = self.folder / _AUTHORITY
        return path.read_bytes() if path.exists() else b""

    @property
    def signer(self) -> Signer:
        """What signs as this gateway."""
        return Signer(load_key(self.folder / _KEY))

    @property
    def exchange(self) -> bytes:
        """The private key (32 bytes) from which the key of watermarks is derived."""
        return load_key(self.folder / _EXCHANGE)

    @property
    def exchange_public(self) -> bytes:
        """Its public half."""
        return exchange_public(self.exchange)


def load_identity(folder: Path) -> Identity | None:
    """Return the identity in a folder, None where none has been enrolled.

    Raises:
        ConfigurationError: it cannot be read, or others can read its keys.
    """
    path = folder / _FACTS
    if not path.exists():
        return None
    try:
        facts = msgspec.json.decode(path.read_bytes(), type=Facts)
    except (*UNREADABLE, OSError) as error:
        raise ConfigurationError(
            "not a gateway's identity", where=str(path), next_step="move the folder away and enrol again"
        ) from error
    identity = Identity(folder=folder, facts=facts)
    load_key(folder / _KEY)  # refuses what others can read
    return identity


def draft_identity(folder: Path, token: EnrolToken, authority: bytes, now: int) -> Identity:
    """Return the identity that a token would make of this device, in a folder beside the one it will have.

    The same token finds the same draft again, so that asking a second time is no second device.
    """
    draft = folder.with_name(f".{folder.name}.{token.id}")
    draft.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = Facts(
        gateway=token.gateway,
        site=token.site,
        line=token.line,
        url=token.url,
        plant=token.plant.hex(),
        exchange=token.exchange.hex(),
        enrolled=now,
    )
    replace_file(draft / _FACTS, msgspec.json.encode(facts))
    if authority:
        replace_file(draft / _AUTHORITY, authority)
    key = load_key(draft / _KEY)
    load_key(draft / _EXCHANGE)
    replace_file(draft / _SEED, user_seed(key).encode())
    return Identity(folder=draft, facts=facts)


def install_identity(draft: Identity, folder: Path) -> Identity:
    """Put a draft in its place; what was there before is deleted.

    Raises:
        StorageError: the old identity is still the one that holds.
    """
    old = folder.with_name(f".{folder.name}.old")
    try:
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            os.rename(folder, old)  # noqa: PTH104 - as the next line
        os.rename(draft.folder, folder)  # noqa: PTH104 - the step that counts
        sync_path(folder.parent)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise StorageError(f"the identity cannot be kept: {error.strerror}", where=str(folder)) from error
    return Identity(folder=folder, facts=draft.facts)


def next_signer(identity: Identity) -> Signer:
    """Return what signs with the key that shall come next; made once, so that asking twice is the same request."""
    return Signer(load_key(identity.folder / f"next.{_KEY}"))


def take_next(identity: Identity) -> None:
    """Put the next key in the place of the present one."""
    key = load_key(identity.folder / f"next.{_KEY}")
    replace_file(identity.folder / _SEED, user_seed(key).encode())
    replace_file(identity.folder / _KEY, key)
    (identity.folder / f"next.{_KEY}").unlink()


def next_seed(identity: Identity) -> str:
    """Return the seed of the next key, ``""`` where none has been made."""
    path = identity.folder / f"next.{_KEY}"
    return user_seed(load_key(path)) if path.exists() else ""
