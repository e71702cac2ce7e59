"""The endpoint for machines that can only post, over real HTTP: what it answers to whom, and when."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest

from lineside.adapters.push.source import Bucket, PushOptions, PushSource, open_source
from lineside.domain.errors import ConfigurationError, PlanError
from lineside.domain.health.sources import Phase
from lineside.domain.plan.model import Plan, PushSpec
from lineside.testing.clocks import WallClock
from lineside.testing.conformance.source import Reader, reading
from lineside.testing.peers.ports import free_port
from lineside.testing.peers.posting import SECRET, signed
from lineside.testing.plans import plan_with_source

ADDRESSES = {"temperature": "$.t", "pressure": "$.p"}
HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "post-from-a-machine.md"
numbers = count(1)


def a_plan(port: int, **more: object) -> Plan:
    spec = {"kind": "push", "listen": f"127.0.0.1:{port}", "secret": "press", **more}
    return plan_with_source(spec, addresses=ADDRESSES)


def a_source(plan: Plan, **options: object) -> PushSource:
    given = PushOptions(**{"secret": SECRET, "durable_within": 0.5, **options})  # type: ignore[arg-type]
    return open_source(plan, plan.source_as(PushSpec, "machine"), WallClock(), options=given)


class Poster:
    def __init__(self, client: httpx.AsyncClient, address: str) -> None:
        self.client = client
        self.address = address

    async def __call__(
        self, body: object, *, number: str = "", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = signed(number or f"m{next(numbers)}", raw) | (headers or {})
        return await self.client.post(self.address, content=raw, headers=head)


@asynccontextmanager
async def posting(
    plan: Plan, *, acknowledge: bool = True, **options: object
) -> AsyncIterator[tuple[Poster, Reader, PushSource]]:
    source = a_source(plan, **options)
    async with reading(source, acknowledge=acknowledge) as reader, httpx.AsyncClient(timeout=20) as client:
        await reader.until(lambda: source.condition.phase is Phase.CONNECTED)
        yield Poster(client, f"http://127.0.0.1:{source.port}/"), reader, source


async def test_a_request_is_confirmed_only_once_its_readings_are_durable() -> None:
    async with posting(a_plan(free_port()), acknowledge=False) as (post, reader, source):
        answer = await post({"t": 21.5}, number="one")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        again = asyncio.create_task(post({"t": 21.5}, number="one"))
        await reader.until(lambda: bool(reader.deliveries))
        await source.acknowledge(reader.deliveries[0].token)
        assert (await again).json() == {"status": "known"}
        assert len(reader.values("temperature")) == 1


async def test_a_list_of_messages_and_lines_of_csv_are_taken_whole() -> None:
    plan = plan_with_source(
        {"kind": "push", "listen": f"127.0.0.1:{free_port()}", "secret": "press", "time_column": "time"},
        addresses={"temperature": "temp", "pressure": "press"},
    )
    now = time.time_ns() // 1_000_000
    async with posting(plan) as (post, reader, _):
        lines = f"time,temp,press\n{now},20.5,1\n{now + 1},21.5,\n{now + 2},warm,3\n".encode()
        answer = await post(lines, headers={"content-type": "text/csv; charset=utf-8"})
        assert answer.json() == {"status": "taken"}
        assert [value for _, value in reader.values("temperature")] == [20.5, 21.5]
        assert [value for _, value in reader.values("pressure")] == [1, 3]
        assert [item.reason for item in reader.quarantined] == ["not_a_number"]


async def test_strangers_are_refused_in_the_same_words_and_leave_nothing() -> None:
    async with posting(a_plan(free_port())) as (post, reader, source):
        for headers in (
            {"webhook-signature": "v1,AAAA"},
            {"webhook-signature": ""},
            {"webhook-timestamp": "1"},
            {"webhook-timestamp": "x" * 5_000},
            {"webhook-id": "a.b"},
        ):
            assert (await post({"t": 1.0}, headers=headers)).status_code == 401
        old = signed("old", b'{"t": 1}', at=time.time() - 600)
        assert (await post(b'{"t": 1}', headers=old)).status_code == 401
        assert dict(source.condition.troubles).keys() == {"signature"}
        assert (await post({"t": 1.0})).status_code == 200
        assert source.condition.troubles == ()
        assert len(reader.values("temperature")) == 1
        assert not reader.quarantined


async def test_an_id_with_another_body_is_refused() -> None:
    async with posting(a_plan(free_port())) as (post, reader, _):
        assert (await post({"t": 1.0}, number="same")).status_code == 200
        assert (await post({"t": 2.0}, number="same")).status_code == 409
        assert [value for _, value in reader.values("temperature")] == [1.0]


BAD_BODIES = [
    b"", b"\0", b"[", b'{"t": 1} {"t": 2}', b"\xff\xfe", b"[]", b"[" * 100_000, b'{"t": 1, "t": 2}', b"nonsense",
]  # fmt: skip
BAD_MESSAGES = [
    ({"t": None}, "null"),
    ({"t": [1]}, "nested_value"),
    ({"t": True}, "boolean"),
    ({"t": "1,5"}, "decimal_separator"),
    ({"t": 1e31}, "too_large"),
    ({"t": 1, "ts": 0}, "time_implausible"),
    ({"t": 1, "ts": "yesterday"}, "time_unreadable"),
    ({"t": 1, "ts": time.time() + 3600}, "time_ahead"),
    ({"elsewhere": 1, "ts": 1_700_000_000}, "unknown_signal"),
    (7, "unknown_signal"),
]


async def test_what_cannot_be_read_is_kept_with_its_reason_and_the_machine_is_told() -> None:
    async with posting(a_plan(free_port(), time_column="$.ts")) as (post, reader, _):
        for number, body in enumerate(BAD_BODIES, 1):
            assert (await post(body)).status_code == 422, body[:20]
            assert len(reader.quarantined) == number
        for message, reason in BAD_MESSAGES:
            timed = message if not isinstance(message, dict) or "ts" in message else {"ts": time.time(), **message}
            assert (await post(timed)).status_code == 200, reason
            assert reader.quarantined[-1].reason == reason
        assert (await post({"t": 3.0, "ts": time.time()})).status_code == 200
        assert [value for _, value in reader.values("temperature")] == [3.0]


async def test_sizes_and_rates_are_bounded() -> None:
    async with posting(a_plan(free_port(), most_requests=5)) as (post, _, source):
        assert (await post(b" " * 300_000)).status_code == 413
        codes = [(await post({"t": float(number)})).status_code for number in range(12)]
        assert codes[0] == 200
        assert 429 in codes
        assert source.refused["too many requests"] == codes.count(429)


async def test_a_request_that_does_not_end_is_cut_off() -> None:
    async with posting(a_plan(free_port()), deadline=0.3) as (_, _, source):
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                while await reader.read(1000):
                    pass
        writer.close()


async def test_only_posts_to_its_own_path_are_answered() -> None:
    async with posting(a_plan(free_port())) as (post, _, _):
        assert (await post.client.get(post.address)).status_code == 405
        assert (await post.client.get(post.address + "docs")).status_code == 404


async def test_an_address_that_is_taken_is_said_and_tried_again() -> None:
    port = free_port()
    busy = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    source = a_source(a_plan(port))
    async with reading(source) as reader:
        await reader.until(lambda: source.condition.phase is Phase.LOST)
        assert "cannot listen" in source.condition.reason
        assert source.condition.next_try
        busy.close()


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_a_good_secret_it_does_not_listen(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="secret"):
        a_source(a_plan(8095), secret=secret)


def test_it_does_not_listen_everywhere_and_needs_readable_addresses() -> None:
    plan = plan_with_source({"kind": "push", "listen": "0.0.0.0:80", "secret": "s"})
    with pytest.raises(ConfigurationError, match="machine side"):
        a_source(plan)
    with pytest.raises(PlanError, match="path"):
        a_source(
            plan_with_source({"kind": "push", "listen": "127.0.0.1:80", "secret": "s"}, addresses={"pressure": "$["})
        )


def test_a_bucket_lets_the_rate_through() -> None:
    bucket = Bucket(2.0)
    assert [bucket.take(0.0) for _ in range(3)] == [True, True, False]
    assert [bucket.take(1.0) for _ in range(3)] == [True, True, False]
    assert Bucket(0.1).take(0.0)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
async def test_the_example_of_the_how_to_works() -> None:
    page = HOW_TO.read_text()
    example = page.split("```sh\n")[1].split("```")[0]
    async with posting(a_plan(free_port(), time_column="$.ts")) as (post, reader, _):
        script = example.replace("http://10.20.0.5:8095/", post.address)
        script = script.replace('secret="$(cat press.secret)"', f"secret={SECRET}")
        done = await asyncio.to_thread(subprocess.run, ["sh", "-eu", "-c", script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout == '{"status":"taken"}'
        assert [value for _, value in reader.values("temperature")] == [21.5]
