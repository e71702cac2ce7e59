"""What is particular to REST: cursors, marks of change, patience, secrets, certificates, and answers that are none."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lineside.adapters.http_get import HttpConnection, HttpOptions
from lineside.adapters.polling import PolledSource
from lineside.adapters.rest.source import RestOptions, open_source
from lineside.domain.errors import ConfigurationError, PlanError
from lineside.domain.plan.model import RestSpec
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.certificates import Authority
from lineside.testing.peers.http import HttpFault, HttpPeer, HttpReply
from lineside.testing.peers.rest import PRESENT, ROWS, RestPeer
from lineside.testing.plans import plan_with_source


@pytest.fixture
async def peer() -> AsyncIterator[RestPeer]:
    peer = RestPeer(page=10)
    await peer.start()
    yield peer
    await peer.stop()


def source_of(spec: dict[str, Any], addresses: dict[str, str], options: RestOptions | None = None) -> PolledSource:
    plan = plan_with_source({"kind": "rest", "poll_interval": "20 ms", **spec}, addresses=addresses)
    options = options or RestOptions(http=HttpOptions(timeout=0.5))
    return open_source(plan, plan.source_as(RestSpec, "machine"), WallClock(), options=options)


def present_of(peer: RestPeer, options: RestOptions | None = None, **spec: str) -> PolledSource:
    return source_of({"url": f"{peer.url}/present", "time_column": "$.ts", **spec}, PRESENT, options)


def log_of(peer: RestPeer, kept: Path | None = None, **spec: Any) -> PolledSource:
    options = RestOptions(http=HttpOptions(timeout=0.5), position=kept)
    return source_of({"url": f"{peer.url}/log", "page": 10, **ROWS, **spec}, {}, options)


def reasons(reader: Reader) -> list[str]:
    return [item.reason for item in reader.quarantined]


async def hears(peer: RestPeer, reader: Reader, value: float) -> None:
    for signal in ("pressure", "running", "serial"):
        peer.send(signal, WallClock().now(), 1)
    peer.send("temperature", WallClock().now(), value)
    await reader.until(lambda: any(seen == value for _, seen in reader.values("temperature")))


async def test_what_is_present_is_a_reading_once_however_often_it_is_asked_for(peer: RestPeer) -> None:
    async with reading(present_of(peer)) as reader:
        await hears(peer, reader, 1.0)
        asked, known = len(peer.http.requests), len(reader.values("temperature"))
        await reader.until(lambda: len(peer.http.requests) > asked + 10)
        assert len(reader.values("temperature")) == known
        await hears(peer, reader, 2.0)
    assert sum(item.duplicates for item in reader.deliveries) >= 36


async def test_without_a_time_every_answer_is_a_reading_of_its_own_time(peer: RestPeer) -> None:
    peer.send("temperature", 0, 21.5)
    addresses = {"temperature": "$.press.temperature", "pressure": "$.ts", "running": "$.ts", "serial": "$.ts"}
    async with reading(source_of({"url": f"{peer.url}/present"}, addresses)) as reader:
        await reader.until(lambda: len(reader.values("temperature")) > 5)
    times = [time for time, _ in reader.values("temperature")]
    assert times == sorted(set(times))


async def test_an_answer_that_has_not_changed_is_not_sent_again(peer: RestPeer) -> None:
    peer.marks = {"ETag": '"1"', "Last-Modified": "Wed, 25 Nov 2026 20:00:00 GMT"}
    async with reading(present_of(peer)) as reader:
        await reader.until(lambda: len(peer.http.requests) > 5)
        peer.marks = {}
        await hears(peer, reader, 2.0)
    asked = [request.headers for request in peer.http.requests]
    assert "if-none-match" not in asked[0]
    assert asked[1]["if-none-match"] == '"1"'
    assert asked[1]["if-modified-since"] == "Wed, 25 Nov 2026 20:00:00 GMT"


async def test_a_log_is_read_page_by_page_and_from_the_kept_cursor_after_a_restart(
    peer: RestPeer, tmp_path: Path
) -> None:
    kept, now = tmp_path / "position.json", WallClock().now()
    for number in range(95):
        peer.send("temperature", now + number, float(number))
    async with reading(log_of(peer, kept, poll_interval="10 s")) as reader:
        await reader.until(lambda: len(reader.values("temperature")) == 95)
    assert [request.query.get("after") for request in peer.http.requests][:3] == [None, "10", "20"]
    peer.send("temperature", now + 95, 95.0)
    async with reading(log_of(peer, kept)) as reader:
        await reader.until(lambda: bool(reader.values("temperature")))
    assert reader.values("temperature") == [(now + 95, 95.0)]


@pytest.mark.parametrize(
    ("reply", "reason", "words"),
    [
        (HttpReply(body=b"<html>Log in</html>", headers={"Content-Type": "text/html"}), "malformed_json", "a page"),
        (HttpReply(body=b'{"a": '), "malformed_json", ""),
        (HttpReply(body=b'{"a": 1, "a": 2}'), "duplicate_key", ""),
        (HttpReply(body=b"[" * 5000 + b"]" * 5000), "too_deep", ""),
        (HttpReply(body=b""), "empty", ""),
        (HttpReply(body=b'{"items": 7}'), "missing_field", "does not lead to a list"),
        (HttpReply(body=b'{"items": [{"id": 1, "tag": "other", "v": 1}]}'), "unknown_signal", "other"),
        (HttpReply(body=b'{"items": [7]}'), "missing_field", ""),
        (HttpReply(body=b" " * (9 << 20)), "message_too_large", "larger than 8 MiB"),
        (HttpReply(status=302, headers={"Location": "http://x/y"}), "machine_exception", "write the address"),
        (HttpReply(status=401), "machine_exception", "user name and secret"),
        (HttpReply(status=500), "machine_exception", "HTTP 500"),
    ],
)
async def test_an_answer_that_is_none_is_quarantined_and_the_next_good_one_read(
    peer: RestPeer, reply: HttpReply, reason: str, words: str
) -> None:
    async with reading(log_of(peer)) as reader:
        peer.instead = reply
        await reader.until(lambda: reason in reasons(reader))
        peer.instead = None
        await hears(peer, reader, 2.0)
    found = next(item for item in reader.quarantined if item.reason == reason)
    assert words in found.detail
    assert found.raw == reply.body[:4096] or not reply.body.startswith(b"<")


@pytest.mark.parametrize("fault", ["hang", "cut", "reset"])
async def test_a_network_that_fails_is_reported_and_nothing_is_missed(peer: RestPeer, fault: HttpFault) -> None:
    async with reading(log_of(peer)) as reader:
        await hears(peer, reader, 1.0)
        peer.http.fault = fault
        await reader.until(lambda: "connection_lost" in reasons(reader))
        now = WallClock().now()
        for number in range(30):
            peer.send("temperature", now + number, 100.0 + number)
        peer.http.fault = ""
        await hears(peer, reader, 2.0)
    assert len(reader.values("temperature")) == 32


async def test_a_server_that_asks_for_patience_is_left_alone(peer: RestPeer) -> None:
    async with reading(log_of(peer)) as reader:
        peer.instead = HttpReply(status=429, headers={"Retry-After": "1"})
        await reader.until(lambda: "machine_exception" in reasons(reader))
        before, asked = WallClock().now(), len(peer.http.requests)
        peer.instead = None
        await hears(peer, reader, 2.0)
        assert WallClock().now() - before > 500_000_000
        assert len(peer.http.requests) - asked < 10
    [found] = [item for item in reader.quarantined if item.reason == "machine_exception"]
    assert "Asked again in 1 s" in found.detail


@pytest.mark.parametrize(
    ("options", "header", "value"),
    [
        (HttpOptions(username="line", password="s3cret"), "authorization", "Basic bGluZTpzM2NyZXQ="),
        (HttpOptions(password="s3cret"), "authorization", "Bearer s3cret"),
        (HttpOptions(headers={"X-Key": "s3cret"}), "x-key", "s3cret"),
    ],
)
async def test_secrets_are_sent_as_the_server_wants_them_and_shown_to_nobody(
    peer: RestPeer, options: HttpOptions, header: str, value: str
) -> None:
    peer.wanted = {header: value}
    async with reading(present_of(peer, RestOptions(http=options))) as reader:
        await hears(peer, reader, 1.0)
    assert "s3cret" not in repr(options)
    assert not [item for item in reader.quarantined if b"s3cret" in item.raw or "s3cret" in item.detail]


async def test_a_pinned_certificate_is_the_only_one_that_counts(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    (own, key), (other, _) = authority.issue("own"), authority.issue("other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    server = HttpPeer(lambda _: HttpReply(body=b"1"), tls=context)
    await server.start()
    try:
        pinned = HttpConnection(HttpOptions(pinned=own))
        pinned.open()
        assert (await pinned.get(server.url)).body == b"1"
        await pinned.close()
        signed = HttpConnection(HttpOptions(authority=authority.certificate))
        signed.open()
        assert (await signed.get(server.url)).status == 200
        await signed.close()
        for options in (HttpOptions(pinned=other), HttpOptions()):
            wrong = HttpConnection(options)
            wrong.open()
            with pytest.raises(ConnectionError, match="certificate verify failed"):
                await wrong.get(server.url)
            await wrong.close()
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ({"url": "ftp://127.0.0.1"}, ConfigurationError),
        ({"url": "http://user:password@127.0.0.1/x"}, ConfigurationError),
        ({"url": "http://x", "time_zone": "Moon/Sea"}, ConfigurationError),
        ({"url": "http://x", "rows": "items"}, PlanError),
        ({"url": "http://x", "signal_path": "$.tag"}, PlanError),
        ({"url": "http://x", "since": "after"}, PlanError),
    ],
)
def test_a_setting_that_cannot_work_is_an_error_at_once(spec: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        source_of(spec, PRESENT)
