"""Signed offers of models: what was signed is what runs, to the byte."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from lineside.domain.errors import IntegrityError
from lineside.testing.conformance.registry import some_bundle
from lineside.wire.bundle import (
    GOLDEN_ANSWERS,
    GOLDEN_PARTS,
    MODEL_FILE,
    FileFact,
    manifest_digest,
    pack_bundle,
    seal,
)
from lineside.wire.offers import (
    PURPOSE,
    Offer,
    fallback_bundle,
    golden_digest,
    make_offer,
    offered_bundle,
    read_offer,
    sign_offer,
    verify_offer,
)
from lineside.wire.signed import Signer

NOW = 1_000
KEY, OTHER = Signer(bytes([1]) * 32), Signer(bytes([2]) * 32)
TRUSTED = (KEY.trusted("release", "release"), OTHER.trusted("configuration", "configuration"))
FILES = {MODEL_FILE: b"graph", GOLDEN_PARTS: b"parts", GOLDEN_ANSWERS: b"[]"}
BUNDLE = seal(some_bundle(2).manifest, FILES)
OLD = some_bundle(1)
OFFER = make_offer(BUNDLE, version=7, now=NOW, fallback=manifest_digest(OLD.manifest), note="trained")
SIGNED = sign_offer(OFFER, KEY)


def test_an_offer_comes_back_and_names_every_file() -> None:
    offer = verify_offer(SIGNED, TRUSTED, NOW)
    assert offer == OFFER == read_offer(SIGNED)
    assert [fact.name for fact in offer.files] == ["manifest.json", GOLDEN_ANSWERS, GOLDEN_PARTS, MODEL_FILE]
    assert (offer.place, offer.version, offer.lines) == ("press/porosity", 7, ("l",))
    assert offered_bundle(offer, pack_bundle(BUNDLE)) == BUNDLE
    assert fallback_bundle(offer, pack_bundle(OLD)) == OLD


def _changed(**fields: object) -> bytes:
    """Return an offer that says something else under the old signature."""
    payload = msgspec.json.encode(msgspec.structs.replace(OFFER, **fields), order="deterministic")
    envelope = msgspec.json.decode(SIGNED)
    return msgspec.json.encode({**envelope, "payload": msgspec.json.decode(msgspec.json.encode(payload))})


TAMPERING: dict[str, Callable[[], bytes]] = {
    "signed by nobody known": lambda: sign_offer(OFFER, Signer(bytes([9]) * 32)),
    "signed by a key for something else": lambda: sign_offer(OFFER, OTHER),
    "signed for another purpose": lambda: KEY.sign(
        "a configuration", msgspec.json.encode(OFFER, order="deterministic")
    ),
    "another version": lambda: _changed(version=8),
    "another line": lambda: _changed(lines=("l", "m")),
    "a later end": lambda: _changed(expires=2**60),
    "another fallback": lambda: _changed(fallback_digest="0" * 64),
    "another digest": lambda: _changed(digest="0" * 64),
    "a file more": lambda: _changed(files=(*OFFER.files, FileFact(name="more.json", size=0, sha256=""))),
    "signed nonsense": lambda: KEY.sign(PURPOSE, b"{}"),
    "a version below one": lambda: sign_offer(msgspec.structs.replace(OFFER, version=0), KEY),
    "a later form": lambda: sign_offer(msgspec.structs.replace(OFFER, format=2), KEY),
    "no digest": lambda: sign_offer(msgspec.structs.replace(OFFER, digest=""), KEY),
    "a bare bundle": lambda: pack_bundle(BUNDLE),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_an_offer_that_was_changed_is_refused(name: str) -> None:
    with pytest.raises(IntegrityError):
        verify_offer(TAMPERING[name](), TRUSTED, NOW)


OTHER_BUNDLES: dict[str, Callable[[], bytes]] = {
    "another graph": lambda: pack_bundle(seal(BUNDLE.manifest, {**FILES, MODEL_FILE: b"grapf"})),
    "a file more": lambda: pack_bundle(seal(BUNDLE.manifest, {**FILES, "more.json": b"{}"})),
    "a file less": lambda: pack_bundle(seal(BUNDLE.manifest, {MODEL_FILE: b"graph"})),
    "other golden answers": lambda: pack_bundle(seal(BUNDLE.manifest, {**FILES, GOLDEN_ANSWERS: b"[1]"})),
    "another limit": lambda: pack_bundle(seal(msgspec.structs.replace(BUNDLE.manifest, limit=99.0), FILES)),
    "the old model": lambda: pack_bundle(OLD),
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("name", OTHER_BUNDLES)
def test_a_bundle_that_is_not_the_signed_one_is_refused(name: str) -> None:
    for take in (offered_bundle, fallback_bundle):
        if take is fallback_bundle and name == "the old model":
            continue
        with pytest.raises(IntegrityError):
            take(OFFER, OTHER_BUNDLES[name]())


def test_the_golden_parts_are_named_by_a_digest_of_their_own() -> None:
    assert golden_digest(OLD) == ""
    assert golden_digest(BUNDLE) != golden_digest(seal(BUNDLE.manifest, {**FILES, GOLDEN_PARTS: b"other"}))
    wrong = msgspec.structs.replace(OFFER, golden="0" * 64)
    with pytest.raises(IntegrityError, match="golden"):
        offered_bundle(wrong, pack_bundle(BUNDLE))


def test_an_offer_says_what_it_is_worth_for_people() -> None:
    assert isinstance(OFFER, Offer)
    assert OFFER.model == BUNDLE.name
    assert OFFER.size == sum(fact.size for fact in OFFER.files)
