"""One connection to an OPC UA server: a session with one subscription, taken up again where the server still has it.

A server keeps session and subscription for a while when the line to it breaks, and goes on queuing (Part 4, 6.7).
Within that time the session is activated again over a new line: what was queued comes, and what was under way when
the line broke is asked for again (Republish). Only then is nothing made anew.

Publish responses are taken as they come, at the level of the session: the library's own subscription object makes
a task of every change. The response is acknowledged to the server when the receiver returns, so that a slow
receiver slows publishing down.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError

from lineside.adapters.opcua.history import read_history, with_history
from lineside.adapters.opcua.options import SESSION_TIMEOUT, TOO_LARGE
from lineside.adapters.opcua.session import ClockReading, Session, said
from lineside.adapters.opcua.values import Change, change_of

if TYPE_CHECKING:
    from lineside.adapters.opcua.options import OpcuaOptions, Subscribe
    from lineside.domain.plan.model import OpcuaSpec

KEEP_ALIVE: Final = 5.0
"""Seconds after which a server that has nothing to publish says so."""
_ITEMS_PER_CALL: Final = 500
_MOST_MISSING: Final = 1000
"""Messages that are asked for again; a larger gap is a restart of the numbers, and one loss."""
_NO_FILTER: Final = frozenset(
    {"BadMonitoredItemFilterUnsupported", "BadMonitoredItemFilterInvalid", "BadFilterNotAllowed"}
)
"""What a server says that knows no other trigger than a change of value."""

Receiver = Callable[[Sequence[Change]], Awaitable[None]]


class Connection:
    """A connection to the server of a source.

    ``resumed`` says that the server still had the subscription; ``short`` names signals for which it grants a queue
    that is too short, each with a sentence.
    """

    def __init__(self, spec: OpcuaSpec, options: OpcuaOptions) -> None:
        self.session = Session(spec, options)
        self.resumed = False
        self.short: dict[str, str] = {}
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._signals: dict[int, str] = {}
        self._refused: dict[str, str] = {}
        self._receive: Receiver | None = None
        self._subscription: int | None = None
        self._next_number: int | None = None
        self._heard = time.monotonic()
        self._stands = self._heard_any = False

    @property
    def mute(self) -> bool:
        """Whether it stood, with its subscription, and was lost before anything was published over it."""
        return self._stands and not self._heard_any

    async def open(self) -> None:
        """Connect and open a session, or take the one up that the server still keeps.

        Raises:
            RefusedError: the server does not answer, or one side refuses the other.
            ConfigurationError: the certificates cannot be used.
        """
        self.resumed = self._stands = self._heard_any = False
        if self._subscription is None:
            await self.session.open(self._on_lost)
            return
        self._lost = asyncio.get_running_loop().create_future()
        self.resumed = self._stands = await self.session.resume()
        if not self.resumed:
            self._subscription = self._next_number = None
        self._heard = time.monotonic()

    def may_live(self, why: str) -> bool:
        """Say whether the server may still keep the subscription of a connection that was lost for this reason."""
        away = time.monotonic() - self._heard
        again = self._subscription is not None and away < SESSION_TIMEOUT / 1000
        return again and not (self.resumed and self.mute) and TOO_LARGE not in why

    async def rest(self) -> None:
        """Let go of the line alone: the session may be taken up again by `open`."""
        self._forget_loss()
        await self.session.rest()

    async def subscribe(self, wanted: Subscribe, receive: Receiver) -> dict[str, str]:
        """Watch nodes and hand their changes to the receiver; return why for each signal that cannot be watched.

        A subscription that lives on is left as it is.

        Raises:
            ConnectionError: there is no subscription.
        """
        self._receive = receive
        if self._subscription is not None:
            return self._refused
        params = ua.CreateSubscriptionParameters()
        params.RequestedPublishingInterval = wanted.publishing
        params.RequestedMaxKeepAliveCount = max(1, round(KEEP_ALIVE * 1000 / max(1.0, wanted.publishing)))
        params.RequestedLifetimeCount = 10 * params.RequestedMaxKeepAliveCount
        params.MaxNotificationsPerPublish = 10_000
        params.PublishingEnabled = True
        refused: dict[str, str] = {}
        requests = self._requests(wanted, refused)
        try:
            made = await self.session.client.uaclient.create_subscription(params, self._published)
            left = await self._watch(made, requests)
            without = [request for request, why in left if why in _NO_FILTER]
            for request in without:
                request.RequestedParameters.Filter = None
            left = [item for item in left if item[1] not in _NO_FILTER]
            left += await self._watch(made, without)
        except Exception as error:  # as in open
            raise ConnectionError(said(error)) from error
        self._heard, self._subscription, self._stands = time.monotonic(), made.SubscriptionId, True
        named = {self._signals[request.RequestedParameters.ClientHandle]: why for request, why in left}
        self._refused = refused | named
        return self._refused

    async def with_history(self, nodes: Mapping[str, str]) -> tuple[str, ...]:
        """Return the signals whose nodes have a history that we may read; raises `ConnectionError`."""
        return await with_history(self.session, nodes)

    def history(self, nodes: Mapping[str, str], since: int, until: int) -> AsyncIterator[tuple[Change, ...]]:
        """Yield what the server kept of nodes between two times (UTC ns), page by page; raises `ConnectionError`."""
        return read_history(self.session, nodes, since, until)

    async def clock(self) -> ClockReading | None:
        """Compare the server's clock with this machine's; None where it tells no time; raises `ConnectionError`."""
        return await self.session.clock()

    async def _watch(self, made: Any, requests: Sequence[Any]) -> list[tuple[Any, str]]:
        """Ask for monitored items of a subscription; return those refused, with the name of the server's reason."""
        refused = []
        per_call = await self.session.limit("MaxMonitoredItemsPerCall", _ITEMS_PER_CALL)
        for start in range(0, len(requests), per_call):
            items = ua.CreateMonitoredItemsParameters()
            items.SubscriptionId = made.SubscriptionId
            items.ItemsToCreate = list(requests[start : start + per_call])
            items.TimestampsToReturn = ua.TimestampsToReturn.Both
            results = await self.session.client.uaclient.create_monitored_items(items)
            for item, result in zip(items.ItemsToCreate, results, strict=True):
                if not result.StatusCode.is_good():
                    refused.append((item, str(result.StatusCode.name)))
                    continue
                short = _short_queue(result, made.RevisedPublishingInterval)
                if short:
                    self.short[self._signals[item.RequestedParameters.ClientHandle]] = short
        return refused

    async def lost(self) -> None:
        """Wait until the connection is lost.

        Raises:
            ConnectionError: it was.
        """
        while True:
            done, _ = await asyncio.wait((self._lost,), timeout=1.0)
            if done:
                self._lost.result()
            if self.session.broken:
                raise ConnectionError("the line broke")
            silent = time.monotonic() - self._heard
            if silent > 3 * KEEP_ALIVE:
                raise ConnectionError(f"the server answers but has published nothing for {silent:.0f} s")

    async def close(self) -> None:
        """Let go of the connection, be it alive or dead."""
        self._forget_loss()
        await self.session.close()

    def _forget_loss(self) -> None:
        if not self._lost.done():
            self._lost.cancel()
        elif not self._lost.cancelled():
            self._lost.exception()  # so that nobody misses it

    def _requests(self, wanted: Subscribe, refused: dict[str, str]) -> list[Any]:
        requests = []
        for handle, (signal, address) in enumerate(wanted.nodes.items(), start=1):
            try:
                node = ua.NodeId.from_string(address)
            except (UaError, ValueError) as error:
                refused[signal] = f"not a node id ({said(error)})"
                continue
            self._signals[handle] = signal
            params = ua.MonitoringParameters()
            params.ClientHandle = handle
            params.SamplingInterval = wanted.sampling
            params.QueueSize = wanted.queue
            params.DiscardOldest = True
            if wanted.repeats:
                params.Filter = ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValueTimestamp)
            item = ua.ReadValueId()
            item.NodeId = node
            item.AttributeId = AttributeIds.Value
            request = ua.MonitoredItemCreateRequest()
            request.ItemToMonitor = item
            request.MonitoringMode = ua.MonitoringMode.Reporting
            request.RequestedParameters = params
            requests.append(request)
        return requests

    async def _published(self, result: Any) -> None:
        """Take one publish response: data changes, or a sign of life."""
        message = result.NotificationMessage
        self._heard, self._heard_any = time.monotonic(), self._heard_any or message.SequenceNumber > 0
        changes: list[Change] = []
        for number in self._missing(message):
            changes += await self._again(result.SubscriptionId, number)
        changes += self._changes(message)
        if changes and self._receive is not None:
            await self._receive(changes)
            self._heard = time.monotonic()

    def _changes(self, message: Any) -> list[Change]:
        changes = []
        for notification in message.NotificationData or ():
            if isinstance(notification, ua.DataChangeNotification):
                changes += [self._change(item) for item in notification.MonitoredItems]
            elif isinstance(notification, ua.StatusChangeNotification) and not notification.Status.is_good():
                self._end(f"the server ended the subscription ({notification.Status.name})")
        return changes

    def _missing(self, message: Any) -> Sequence[int]:
        """Return the numbers of the messages missing before this one; a sign of life carries that of the next."""
        number = int(message.SequenceNumber)
        expected, alive = self._next_number, not message.NotificationData
        if number:
            self._next_number = number if alive else number % 0xFFFF_FFFF + 1
        if expected is None or not number or number == expected:
            return ()
        return range(expected, number) if 0 < number - expected <= _MOST_MISSING else (expected,)

    async def _again(self, subscription: int, number: int) -> list[Change]:
        """Ask for a message once more; one that the server has no longer is a loss."""
        with contextlib.suppress(Exception):  # whatever goes wrong, it is lost
            message = await self.session.client.uaclient.session.republish(subscription, number)
            if message.NotificationData:
                return self._changes(message)
        return [Change("", None, None, 0, lost=True)]

    def _change(self, item: Any) -> Change:
        return change_of(self._signals.get(item.ClientHandle, ""), item.Value)

    async def _on_lost(self, error: Exception) -> None:
        self._end(said(error))

    def _end(self, why: str) -> None:
        if not self._lost.done():
            self._lost.set_exception(ConnectionError(why))


def _short_queue(result: Any, publishing: float) -> str:
    """Say that the queue that a server grants holds fewer values than it samples between two publications, or nothing.

    Intervals in milliseconds. A server whose sampling interval is 0 samples on every change, as fast as it likes.
    """
    granted, sampling = int(result.RevisedQueueSize), float(result.RevisedSamplingInterval)
    needed = math.ceil(publishing / sampling) if sampling > 0 else 0
    if granted >= needed or granted == 0:
        return ""
    return (
        f"the server keeps {granted} values and takes {needed} between two publications: some are lost when it "
        "changes quickly; publish more often, or sample more slowly"
    )
