"""How NATS writes Ed25519 keys: base32 of a prefix, the key and a CRC-16 (XMODEM, little endian), without padding."""

from __future__ import annotations

import base64
import binascii
from typing import Final

_USER: Final = 20 << 3
_SEED: Final = 18 << 3
_KEY_BYTES: Final = 32


def user_key(public: bytes) -> str:
    """Return a user's public key (32 bytes) as a server's configuration lists it: ``U...``."""
    return _text(bytes([_USER]) + _whole(public))


def user_seed(seed: bytes) -> str:
    """Return a user's seed (32 bytes) as clients read it: ``SU...``; whoever has it is that user."""
    return _text(bytes([_SEED | _USER >> 5, (_USER & 31) << 3]) + _whole(seed))


def _whole(key: bytes) -> bytes:
    if len(key) != _KEY_BYTES:
        raise ValueError(f"a key has {_KEY_BYTES} bytes, not {len(key)}")
    return key


def _text(content: bytes) -> str:
    checked = content + binascii.crc_hqx(content, 0).to_bytes(2, "little")
    return base64.b32encode(checked).decode("ascii").rstrip("=")
