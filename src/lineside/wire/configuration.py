"""A gateway's configuration on its way from the plant: signed, numbered, for one gateway, until a time."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from lineside.domain.configuring import Offer
from lineside.domain.errors import IntegrityError
from lineside.wire.signed import Signer, TrustedKey, verify
from lineside.wire.unreadable import UNREADABLE

PURPOSE: Final = "lineside gateway configuration"
CHANGED: Final = b"configuration"
"""Message on the control subject: ask again which configuration to run."""
MOST_BYTES: Final = 600_000
"""Greatest plan that travels in one message, signed."""
_T = TypeVar("_T")


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a gateway shall run: the text of the line's plan, in which its own settings stand too."""

    version: int
    site: str
    line: str
    gateway: str
    plan: str
    issued: int
    expires: int

    @property
    def offer(self) -> Offer:
        """The same for the rules."""
        return Offer(
            version=self.version,
            site=self.site,
            line=self.line,
            gateway=self.gateway,
            issued=self.issued,
            expires=self.expires,
        )


class ConfigurationAsk(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway asks what it shall run, and says what it runs and what came of the last one.

    ``about`` is the version that ``outcome`` and ``reason`` speak of.
    """

    running: int
    about: int = 0
    outcome: str = ""
    reason: str = ""


def sign_configuration(configuration: Configuration, plant: Signer) -> bytes:
    """Return a configuration signed by the plant."""
    return plant.sign(PURPOSE, msgspec.json.encode(configuration))


def verify_configuration(data: bytes, plant: bytes, now: int) -> Configuration:
    """Return a configuration that the plant with that public key has signed.

    Raises:
        IntegrityError: somebody else has, nobody, or it cannot be read.
    """
    trusted = TrustedKey(name="plant", public=plant, roles=("plant",))
    return _decode(verify(data, purpose=PURPOSE, roles=("plant",), trusted=(trusted,), now=now), Configuration)


def encode_ask(ask: ConfigurationAsk) -> bytes:
    """Return a question as bytes."""
    return msgspec.json.encode(ask)


def decode_ask(data: bytes) -> ConfigurationAsk:
    """Return the question that the bytes hold; raises `IntegrityError` where they hold none."""
    return _decode(data, ConfigurationAsk)


def _decode(data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as error:
        raise IntegrityError(f"a message about configuration cannot be read: {error}") from error
