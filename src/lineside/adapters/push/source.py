"""The `Source` of machines that post: `open_source` gives it for a plan, a source of kind ``push`` and a clock.

A request is answered in this order, so that what is confirmed is never lost:

1. its size is bounded while it is read, and it must be here in full within 15 s;
2. its rate is bounded (429), and so is what waits (503);
3. its signature, its time and its id are checked (401, 409): see `lineside.domain.intake.signed_posts`;
4. its readings pass the gate, what is refused with its reason;
5. when all of it is durable it is confirmed (200); otherwise the machine is asked to send it again (503).

A message that comes again with its id and body is confirmed without being taken again. After a restart ids are
forgotten, and readings with times of their own are known as duplicates from the record.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lineside.adapters.http_serving import RECEIPT, serve_pages
from lineside.adapters.push.bodies import Bodies, Times
from lineside.domain.errors import ConfigurationError
from lineside.domain.health.sources import SourceCondition, SourceRecord
from lineside.domain.intake.gate import Gate
from lineside.domain.intake.messages import LARGEST_MESSAGE
from lineside.domain.intake.signed_posts import PREFIX, Post, SeenIds, Unsigned, check, secret_bytes
from lineside.domain.listening import Listen, parse_listen
from lineside.domain.plan.model import Plan, PushSpec
from lineside.domain.readings import Catalogue, ReadingBatch
from lineside.domain.units import SECOND
from lineside.ports import Clock, SourceDelivery
from lineside.zones import format_of, zone_named

MOST_PENDING: Final = 100_000
"""Readings and refusals that wait for a delivery; beyond that machines are asked to wait."""
DURABLE_SECONDS: Final = 10.0
"""How long a request waits to be durable before the machine is asked to send it again."""
RETRY_SECONDS: Final = 5.0
"""Before an address that is taken is tried again."""
CODES: Final = {
    Unsigned.HEADERS: 401,
    Unsigned.WINDOW: 401,
    Unsigned.SIGNATURE: 401,
    Unsigned.ID_TAKEN: 409,
    Unsigned.BUSY: 503,
}
"""The answer to each reason; the same words for whatever a stranger could learn from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PushOptions:
    """What the plan does not hold: the secret that machines sign with; seconds to be here, and to be durable."""

    secret: str = ""
    deadline: float = RECEIPT
    durable_within: float = DURABLE_SECONDS


@dataclass(slots=True)
class Bucket:
    """Bounds a rate: ``rate`` per second, and as many at once (a token bucket)."""

    rate: float
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        """Begin full."""
        self.tokens = max(1.0, self.rate)

    def take(self, now: float) -> bool:
        """Take one at a time in seconds; False where there is none."""
        self.tokens = min(max(1.0, self.rate), self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


class PushSource:
    """Readings that machines post."""

    def __init__(
        self, plan: Plan, spec: PushSpec, clock: Clock, listen: Listen, key: bytes, options: PushOptions
    ) -> None:
        self._spec = spec
        self._clock = clock
        self._listen = listen
        self._key = key
        self._options = options
        self._gate = Gate(plan, spec.id)
        times = Times(column=spec.time_column, zone=zone_named(spec.time_zone), form=format_of(spec.time_format))
        self._bodies = Bodies(self._gate, times)
        self._record = SourceRecord()
        self._ids = SeenIds()
        self._bucket = Bucket(spec.most_requests)
        self._arrived = asyncio.Event()
        self._closed = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._taken: dict[int, list[asyncio.Future[None]]] = {}
        self._deliveries = 0
        self._under_way: dict[str, asyncio.Future[None]] = {}
        self.refused: Counter[str] = Counter()
        self.port = listen.port

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the plan."""
        return self._gate.catalogue

    @property
    def condition(self) -> SourceCondition:
        """How it stands: connected while it listens."""
        return self._record.condition

    def remember(self, seen: Iterable[ReadingBatch]) -> None:
        """Take note of readings that were accepted before."""
        for batch in seen:
            self._gate.remember(batch)

    async def deliveries(self) -> AsyncIterator[SourceDelivery]:
        """Yield what machines post, until the source is closed."""
        self._record.start(self._clock.now())
        serving = asyncio.create_task(self._serve(), name=f"push {self._spec.id}")
        serving.add_done_callback(lambda _: self._arrived.set())
        try:
            while not serving.done() or self._gate.pending:
                await self._arrived.wait()
                self._arrived.clear()
                if self._gate.pending or self._waiting:
                    yield self._delivery()
            serving.result()
        finally:
            self._give_up()
            self._closed.set()
            await asyncio.gather(serving, return_exceptions=True)
            self._record.stop(self._clock.now())

    async def acknowledge(self, token: object) -> None:
        """Confirm the requests of a delivery to their machines."""
        if not isinstance(token, int):
            raise TypeError(f"a token of another source: {token!r}")
        for done in self._taken.pop(token, ()):
            if not done.done():
                done.set_result(None)

    async def close(self) -> None:
        """Stop listening and end the deliveries; machines that wait are asked to send again."""
        self._give_up()
        self._closed.set()
        self._arrived.set()
        self._record.stop(self._clock.now())

    def _delivery(self) -> SourceDelivery:
        taken, self._deliveries = self._gate.take(), self._deliveries + 1
        self._taken[self._deliveries], self._waiting = self._waiting, []
        return SourceDelivery(
            readings=taken.readings,
            quarantined=taken.quarantined,
            duplicates=taken.duplicates,
            token=self._deliveries,
        )

    def _give_up(self) -> None:
        for done in [*self._waiting, *(item for items in self._taken.values() for item in items)]:
            done.cancel()
        self._waiting, self._taken = [], {}

    # -- serving ------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Listen until the source is closed; an address that is taken is tried again."""
        app = Starlette(routes=[Route("/", self._post, methods=["POST"])])
        while not self._closed.is_set():
            try:
                await serve_pages(
                    app,
                    host=self._listen.host,
                    port=self._listen.port,
                    stop=self._closed,
                    ready=self._ready,
                    before_stop=self._give_up,
                    deadline=self._options.deadline,
                )
            except ConfigurationError as error:
                now = self._clock.now()
                self._record.lose(now, str(error), now + round(RETRY_SECONDS * SECOND))
                try:
                    async with asyncio.timeout(RETRY_SECONDS):
                        await self._closed.wait()
                except TimeoutError:
                    continue

    def _ready(self, port: int) -> None:
        self.port = port
        self._record.connect(self._clock.now())

    async def _post(self, request: Request) -> Response:
        """Answer one request, in the order of the module's words."""
        body = await _body(request)
        if body is None:
            return self._refuse(413, f"more than {LARGEST_MESSAGE} bytes")
        if not self._bucket.take(asyncio.get_running_loop().time()):
            return self._refuse(429, "too many requests")
        if self._gate.pending >= MOST_PENDING or self._closed.is_set():
            return self._refuse(503, "the gateway cannot take more now")
        headers = request.headers
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        number, timestamp, signature = (headers.get(name, "") for name in names)
        post = Post(number, timestamp, signature, body)
        problem = check(post, self._key, self._clock.now())
        if problem is not None:
            self._record.trouble("signature", f"a request was refused: {problem.value}")
            return self._refuse(CODES[problem], problem.value)
        self._record.mend("signature")
        return await self._take(post, headers.get("content-type", "").partition(";")[0].strip().lower())

    async def _take(self, post: Post, media_type: str) -> Response:
        now = self._clock.now()
        known = self._ids.look(post, now)
        if isinstance(known, Unsigned):
            return self._refuse(CODES[known], known.value)
        if known:
            return await self._again(post)
        refusal = self._bodies.read(post.body, media_type, now)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._under_way[post.id] = done
        done.add_done_callback(lambda future: self._settle(post, future))
        self._arrived.set()
        if not await self._durable(done):
            return self._refuse(503, "it is not durable yet: send it again, with the same id")
        if refusal is not None:
            return self._refuse(422, refusal.detail)
        return JSONResponse({"status": "taken"})

    async def _again(self, post: Post) -> Response:
        """Confirm a message that was taken before, once that is durable."""
        under_way = self._under_way.get(post.id)
        if under_way is not None and not await self._durable(under_way):
            return self._refuse(503, "it is not durable yet: send it again, with the same id")
        return JSONResponse({"status": "known"})

    async def _durable(self, done: asyncio.Future[None]) -> bool:
        """Wait until a message is durable; False where that takes too long or will not be."""
        await asyncio.wait([done], timeout=self._options.durable_within)
        return done.done() and not done.cancelled()

    def _settle(self, post: Post, done: asyncio.Future[None]) -> None:
        self._under_way.pop(post.id, None)
        if done.cancelled():
            self._ids.forget(post)

    def _refuse(self, status: int, words: str) -> Response:
        self.refused[words] += 1
        retry = {"Retry-After": "1"} if status in {429, 503} else {}
        return JSONResponse({"status": "refused", "reason": words}, status_code=status, headers=retry)


async def _body(request: Request) -> bytes | None:
    """Return the body, None where it is too large; no more of it is kept than may be."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > LARGEST_MESSAGE:
        return None
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_MESSAGE:
                return None
    except ClientDisconnect:
        return b""
    return bytes(body)


def open_source(
    plan: Plan,
    spec: PushSpec,
    clock: Clock,
    *,
    options: PushOptions = PushOptions(),
    seen: Iterable[ReadingBatch] = (),
) -> PushSource:
    """Return the source of the endpoint that ``spec`` names; nothing is listened to before it delivers.

    ``seen`` are readings that were accepted before a restart: if they come again they are duplicates.

    Raises:
        ConfigurationError: the address is none of the machine side, or the secret is missing or too short.
        PlanError: the address of a signal, or the path of the time, is none.
    """
    listen = parse_listen(spec.listen, f"sources.{spec.id}.listen")
    try:
        key = secret_bytes(options.secret)
    except ValueError as error:
        raise ConfigurationError(
            f"the secret of the endpoint cannot be used: {error}",
            field=f"sources.{spec.id}.secret",
            value=spec.secret,
            next_step=f"make one with: printf '{PREFIX}%s' $(openssl rand -base64 32)",
        ) from error
    source = PushSource(plan, spec, clock, listen, key, options)
    source.remember(seen)
    return source
