"""What a target answers, what is signed, and where nothing may ever be sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

import pytest

from lineside.adapters.notifiers import notifier_for
from lineside.adapters.notifiers.posting import Poster
from lineside.adapters.notifiers.teams import LARGEST, card_body
from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.addresses import chosen_address, parse_target
from lineside.domain.notifying.delivery import Deferred, Delivered, Refused
from lineside.domain.notifying.routing import Channel, Target
from lineside.domain.units import SECOND
from lineside.testing.conformance.notifier import message
from lineside.testing.peers.endpoints import Response, endpoint

KEY = b"A" * 24
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
INSIDE = ("127.0.0.0/8",)


def webhook(url: str, secret: str = SECRET, poster: Poster | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
    target = Target(id="t", channel=Channel.WEBHOOK, options={"url": url, "secret": "key"})
    return notifier_for(target, poster or Poster(inside=INSIDE, timeout=1.0), lambda _: secret, str)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Response(204), Delivered),
        (Response(429, {"Retry-After": "7"}), Deferred),
        (Response(500), Deferred),
        (Response(503, {"Retry-After": "not a time"}), Deferred),
        (Response(401), Deferred),
        (Response(408), Deferred),
        (Response(410), Refused),
        (Response(400), Refused),
        (Response(302, {"Location": "http://127.0.0.1:1/"}), Refused),
        (Response(never=True), Deferred),
        (Response(close=True), Deferred),
        (Response(200, {}, b"<html>"), Delivered),
    ],
    ids=lambda item: item.__name__ if isinstance(item, type) else f"{item.status} {item.never or item.close}",
)
async def test_an_answer_means_taken_or_later_or_never(answer: Response, outcome: type) -> None:
    async with endpoint() as server:
        server.planned.append(answer)
        found = await webhook(server.url).deliver(message())
        assert isinstance(found, outcome)
        if answer.status == 429:
            assert isinstance(found, Deferred)
            assert found.pause == 7 * SECOND


async def test_a_redirect_is_not_followed() -> None:
    async with endpoint() as other, endpoint() as server:
        server.planned.append(Response(307, {"Location": other.url}))
        await webhook(server.url).deliver(message())
        assert other.got == []


async def test_a_webhook_can_be_verified_by_every_secret_that_is_valid() -> None:
    new = f"whsec_{base64.b64encode(b'B' * 32).decode()}"
    async with endpoint() as server:
        await webhook(server.url, f"{new}\n{SECRET}").deliver(message())
        [request] = server.got
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
        wanted = {base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in (KEY, b"B" * 32)}
        assert {item.removeprefix("v1,") for item in request.headers["webhook-signature"].split(" ")} == wanted
        event = json.loads(request.body)
        assert {name: event[name] for name in ("specversion", "type", "source", "subject")} == {
            "specversion": "1.0",
            "type": "lineside.alert.raised",
            "source": "/lineside/dc07",
            "subject": "cast/porosity/cooling/1",
        }


async def test_the_id_of_a_webhook_is_the_same_at_every_attempt() -> None:
    async with endpoint() as server:
        server.planned.append(Response(500))
        notifier = webhook(server.url)
        await notifier.deliver(message())
        await notifier.deliver(message())
        assert len({request.headers["webhook-id"] for request in server.got}) == 1


async def test_a_secret_of_another_form_is_said_and_nothing_is_sent() -> None:
    async with endpoint() as server:
        found = await webhook(server.url, "hunter2").deliver(message())
        assert isinstance(found, Deferred)
        assert "hunter2" not in found.reason
        assert server.got == []


HOSTILE_URLS = (
    "ftp://partner.example/x",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "javascript:alert(1)",
    "//partner.example/x",
    "https://user:pw@partner.example/",
    "https://partner.example\\@127.0.0.1/",
    "https://partner.example/#x",
    "https:///x",
    "https://partner.example /x",
    "http://partner.example/",
    "",
)


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_an_address_of_another_form_is_refused_with_its_field(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_target(url, (), field="targets[0].url")
    assert caught.value.field == "targets[0].url"


INTERNAL = (
    "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
)  # fmt: skip


@pytest.mark.parametrize("address", INTERNAL)
async def test_no_address_inside_is_reached_unless_it_is_listed(address: str) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        asked.append(host)
        return [address]

    found = await webhook("https://partner.example/", poster=Poster(resolve=resolve, timeout=0.2)).deliver(message())
    assert isinstance(found, Refused)
    assert "not public" in found.reason
    assert asked == ["partner.example"]


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"])
async def test_other_ways_to_write_this_machine_are_refused_too(host: str) -> None:
    found = await webhook(f"https://{host}/", poster=Poster(timeout=0.2)).deliver(message())
    assert isinstance(found, Refused | Deferred)
    assert not isinstance(found, Deferred) or "resolved" in found.reason or "ConnectError" in found.reason


def test_one_address_inside_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(ConfigurationError, match="not public"):
        chosen_address(["93.184.216.34", "10.0.0.1"], (), encrypted=True, field="url")


def test_a_listed_address_is_reached_and_what_is_not_encrypted_stays_inside() -> None:
    assert chosen_address(["10.1.2.3"], ("10.1.0.0/16",), encrypted=False, field="url") == "10.1.2.3"
    with pytest.raises(ConfigurationError, match="must not leave"):
        chosen_address(["93.184.216.34"], ("10.1.0.0/16",), encrypted=False, field="url")


async def test_a_name_that_means_another_machine_a_moment_later_changes_nothing() -> None:
    async with endpoint() as server:
        port = int(server.url.rpartition(":")[2])
        answers = [["127.0.0.1"], ["127.0.0.9"]]

        async def resolve(host: str, asked_port: int) -> Sequence[str]:
            del host, asked_port
            return answers.pop(0)

        poster = Poster(inside=("127.0.0.1/32",), resolve=resolve, timeout=1.0)
        notifier = webhook(f"http://rebinding.example:{port}/", poster=poster)
        assert isinstance(await notifier.deliver(message()), Delivered)
        assert len(answers) == 1
        assert server.got[0].headers["host"] == f"rebinding.example:{port}"
        assert isinstance(await notifier.deliver(message()), Refused)


def test_a_card_stays_within_what_teams_takes_and_says_what_it_left_out() -> None:
    many = message(suspects=tuple(f"P-{number:020d}" for number in range(5000)))
    body = card_body(many, str)
    assert len(body) <= LARGEST
    assert "and 4990 more" in body.decode()
    assert len(card_body(message(text="ü" * 100_000, step="x" * 100_000), str)) <= LARGEST
