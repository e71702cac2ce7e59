"""Signed envelopes: what passes, and that nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.errors import IntegrityError
from lineside.wire.signed import (
    MOST_BYTES,
    Envelope,
    Signer,
    TrustedKey,
    decode_envelope,
    decode_trust,
    encode_envelope,
    encode_trust,
    key_id,
    verify,
)

NOW = 1_000
RELEASE, PLANT, STRANGER = (Signer(bytes([n]) * 32) for n in (1, 2, 3))
TRUSTED = (RELEASE.trusted("release key", "release"), PLANT.trusted("plant", "plant", expires=NOW + 1))
SIGNED = RELEASE.sign("a bundle", b"payload")


def check(data: bytes, *, purpose: str = "a bundle", roles: tuple[str, ...] = ("release",), now: int = NOW) -> bytes:
    return verify(data, purpose=purpose, roles=roles, trusted=TRUSTED, now=now)


@given(st.binary(max_size=200), st.text(max_size=20).filter(lambda text: text.isprintable()))
def test_what_was_signed_comes_back(payload: bytes, purpose: str) -> None:
    assert check(RELEASE.sign(purpose, payload), purpose=purpose) == payload


def test_signing_the_same_again_gives_the_same_bytes() -> None:
    assert RELEASE.sign("a bundle", b"payload") == SIGNED


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(position: int, change: int) -> None:
    changed = bytearray(SIGNED)
    changed[position] ^= change
    with pytest.raises(IntegrityError):
        check(bytes(changed))


def _with(**fields: object) -> bytes:
    return encode_envelope(msgspec.structs.replace(decode_envelope(SIGNED), **fields))


def _renamed_key() -> bytes:
    (signature,) = decode_envelope(PLANT.sign("a bundle", b"payload")).signatures
    return _with(signatures=(msgspec.structs.replace(signature, key=key_id(RELEASE.public)),))


TAMPERING: dict[str, Callable[[], bytes]] = {
    "another payload": lambda: _with(payload=b"Payload"),
    "another purpose": lambda: _with(purpose="a configuration"),
    "no signature": lambda: _with(signatures=()),
    "a stranger's signature": lambda: STRANGER.sign("a bundle", b"payload"),
    "a stranger's signature under a trusted id": _renamed_key,
    "a signature in another role": lambda: PLANT.sign("a bundle", b"payload"),
    "a signature for another purpose": lambda: RELEASE.sign("a configuration", b"payload"),
    "a boundary moved from purpose to payload": lambda: RELEASE.sign("a bundle ", b"payload"),
    "another version": lambda: _with(format=2),
    "cut": lambda: SIGNED[:-1],
    "something behind it": lambda: SIGNED + b" ",
    "another order of fields": lambda: json.dumps(json.loads(SIGNED), sort_keys=True).encode(),
    "a field too many": lambda: SIGNED[:-1] + b',"roles":["release"]}',
    "a field twice": lambda: SIGNED[:-1] + b',"payload":"AAAA"}',
    "a thousand signatures": lambda: _with(signatures=decode_envelope(SIGNED).signatures * 1000),
    "too large": lambda: b" " * (MOST_BYTES + 1),
    "empty": lambda: b"",
    "no text": lambda: b"\xff\xfe",
    "JSON of another kind": lambda: b"[]",
}


@pytest.mark.parametrize("name", TAMPERING)
def test_a_changed_envelope_is_refused(name: str) -> None:
    with pytest.raises(IntegrityError):
        check(TAMPERING[name]())


def test_every_role_that_is_asked_for_must_have_signed() -> None:
    both = PLANT.cosign(SIGNED)
    assert check(both, roles=("release", "plant")) == b"payload"
    with pytest.raises(IntegrityError, match="not signed by a key that is trusted as plant"):
        check(SIGNED, roles=("release", "plant"))


def test_a_good_signature_does_not_cover_a_bad_one() -> None:
    both = decode_envelope(PLANT.cosign(SIGNED))
    release, plant = both.signatures
    broken = msgspec.structs.replace(plant, signature=bytes(64))
    with pytest.raises(IntegrityError, match="does not fit"):
        check(encode_envelope(msgspec.structs.replace(both, signatures=(release, broken))))


def test_signing_again_adds_nothing() -> None:
    assert RELEASE.cosign(SIGNED) == SIGNED


def test_a_stranger_beside_a_trusted_key_changes_nothing() -> None:
    assert check(STRANGER.cosign(SIGNED)) == b"payload"


def test_a_key_counts_until_its_end_and_no_longer() -> None:
    signed = PLANT.sign("a bundle", b"payload")
    assert check(signed, roles=("plant",), now=NOW) == b"payload"
    with pytest.raises(IntegrityError, match="has passed"):
        check(signed, roles=("plant",), now=NOW + 1)


def test_a_check_that_asks_for_nobody_is_a_mistake_in_the_program() -> None:
    with pytest.raises(ValueError, match="role"):
        check(SIGNED, roles=())


def test_trusted_keys_come_back_from_their_file() -> None:
    assert decode_trust(encode_trust(TRUSTED)) == TRUSTED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'[{"name": "x"}]',
        encode_trust([TrustedKey(name="short", public=b"short", roles=())]),
        encode_trust(TRUSTED)[:-3],
    ],
)
def test_a_file_that_lists_no_keys_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_trust(data)


def test_the_form_is_fixed() -> None:
    """What is signed once is checked for years: neither the form nor the signature may change unnoticed."""
    assert json.loads(SIGNED) == {
        "format": 1,
        "purpose": "a bundle",
        "payload": "cGF5bG9hZA==",
        "signatures": [{"key": key_id(RELEASE.public), "signature": json.loads(SIGNED)["signatures"][0]["signature"]}],
    }
    assert key_id(RELEASE.public) == "34750f98bd59fcfc946da45aaabe933b"
    assert Envelope.__struct_fields__ == ("format", "purpose", "payload", "signatures")
