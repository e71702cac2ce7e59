"""Signed messages: taken from who has the secret, at about the time they say, and once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.domain.intake.signed_posts import WINDOW, Post, SeenIds, Unsigned, check, secret_bytes, sign
from lineside.domain.units import SECOND

KEY = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
NOW = 1_614_265_330 * SECOND


def a_post(body: bytes = b'{"test": 2432232314}', number: str = "msg_p5jXN8AQM9LWM0D4loKWxJek") -> Post:
    return Post(number, "1614265330", sign(KEY, number, "1614265330", body), body)


def test_the_signature_is_that_of_the_specifications_example() -> None:
    assert a_post().signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert check(a_post(), KEY, NOW) is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"id": ""}, Unsigned.HEADERS),
        ({"id": "a.b"}, Unsigned.HEADERS),
        ({"id": "x" * 129}, Unsigned.HEADERS),
        ({"id": "a\nb"}, Unsigned.HEADERS),
        ({"timestamp": "soon"}, Unsigned.HEADERS),
        ({"timestamp": "1614265330.5"}, Unsigned.HEADERS),
        ({"timestamp": "-1"}, Unsigned.HEADERS),
        ({"signature": ""}, Unsigned.HEADERS),
        ({"id": "another"}, Unsigned.SIGNATURE),
        ({"timestamp": "1614265331"}, Unsigned.SIGNATURE),
        ({"body": b"{}"}, Unsigned.SIGNATURE),
        ({"signature": "v1,"}, Unsigned.SIGNATURE),
        ({"signature": "v1,\N{SNOWMAN}"}, Unsigned.SIGNATURE),
        ({"signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, Unsigned.SIGNATURE),
    ],
)
def test_whatever_is_changed_is_not_taken(changed: dict[str, object], why: Unsigned) -> None:
    assert check(replace(a_post(), **changed), KEY, NOW) is why  # type: ignore[arg-type]


def test_another_secret_signs_for_nothing_and_one_of_several_signatures_is_enough() -> None:
    assert check(a_post(), secret_bytes("another secret, long enough"), NOW) is Unsigned.SIGNATURE
    both = replace(a_post(), signature=f"v1,{'A' * 43}= {a_post().signature}")
    assert check(both, KEY, NOW) is None
    many = replace(a_post(), signature="v1,x " * 50 + a_post().signature)
    assert check(many, KEY, NOW) is Unsigned.SIGNATURE


def test_a_message_is_taken_within_five_minutes_either_way() -> None:
    assert check(a_post(), KEY, NOW + WINDOW) is None
    assert check(a_post(), KEY, NOW - WINDOW) is None
    assert check(a_post(), KEY, NOW + WINDOW + 1) is Unsigned.WINDOW
    assert check(a_post(), KEY, NOW - WINDOW - 1) is Unsigned.WINDOW


def test_an_id_is_taken_once_and_never_with_another_body() -> None:
    seen = SeenIds()
    assert seen.look(a_post(), NOW) is False
    assert seen.look(a_post(), NOW + SECOND) is True
    assert seen.look(a_post(b"{}"), NOW + SECOND) is Unsigned.ID_TAKEN
    seen.forget(a_post())
    assert seen.look(a_post(), NOW + SECOND) is False


def test_ids_are_forgotten_only_when_their_time_is_over_and_no_more_are_kept_than_may_be() -> None:
    seen = SeenIds(most=3)
    for number in range(3):
        assert seen.look(a_post(number=f"m{number}"), NOW) is False
    assert seen.look(a_post(number="m3"), NOW + 2 * WINDOW) is Unsigned.BUSY
    assert seen.look(a_post(number="m3"), NOW + 2 * WINDOW + 1) is False


@pytest.mark.parametrize("text", ["", "short", "whsec_c2hvcnQ=", "whsec_not base64 at all, though it is long"])
def test_a_secret_that_is_too_short_or_unreadable_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"base64|bytes"):
        secret_bytes(text)


@given(st.binary(max_size=200), st.text(max_size=60), st.text(max_size=20), st.text(max_size=60))
def test_nothing_that_a_stranger_sends_is_taken_or_breaks_it(body: bytes, number: str, at: str, signature: str) -> None:
    assert check(Post(number, at, signature, body), KEY, NOW) is not None
