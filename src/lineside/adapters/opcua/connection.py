"""One connection to an OPC UA server, through asyncua: open it, subscribe, wait until it is lost.

Publish responses are taken as they come, at the level of the session: the library's own subscription object makes
a task of every change. The response is acknowledged to the server when the receiver returns, so that a slow
receiver slows publishing down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError

from lineside.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from lineside.adapters.opcua.source import OpcuaOptions, Subscribe
    from lineside.domain.plan.model import OpcuaSpec

LARGEST_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes of a message from the server."""
KEEP_ALIVE: Final = 5.0
"""Seconds after which a server that has nothing to publish says so."""
_ITEMS_PER_CALL: Final = 500
_OVERFLOW: Final = 0x0480
"""Info type DataValue with the Overflow bit (Part 4, 7.39.1)."""
_NO_FILTER: Final = frozenset(
    {"BadMonitoredItemFilterUnsupported", "BadMonitoredItemFilterInvalid", "BadFilterNotAllowed"}
)
"""What a server says that knows no other trigger than a change of value."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_POLICIES: Final[dict[str, Any]] = {
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a signal's value; ``lost`` says that others before it were lost. Time in UTC nanoseconds.

    Without a signal it says only that something was lost.
    """

    signal: str
    time: int | None
    value: object
    status: int
    lost: bool


Receiver = Callable[[Sequence[Change]], Awaitable[None]]


class Connection:
    """A connection to the server of a source."""

    def __init__(self, spec: OpcuaSpec, options: OpcuaOptions) -> None:
        self._spec = spec
        self._options = options
        self._client = Client(spec.url, timeout=options.timeout, watchdog_intervall=options.alive)
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._signals: dict[int, str] = {}
        self._receive: Receiver | None = None
        self._next_number: int | None = None
        self._heard = time.monotonic()

    async def open(self) -> None:
        """Connect and open a session.

        Raises:
            ConnectionError: the server does not answer, or refuses.
            ConfigurationError: the certificates cannot be used.
        """
        client = self._client
        client.name = client.description = "Lineside gateway"
        client.session_timeout = 30_000
        client.max_messagesize = LARGEST_MESSAGE
        client.connection_lost_callback = self._on_lost
        if self._spec.username:
            client.set_user(self._spec.username)
            client.set_password(self._options.password)
        try:
            await self._secure()
            await client.connect()
        except ConfigurationError:
            raise
        except Exception as error:  # a server may answer anything, and the library stumbles in many ways
            raise ConnectionError(_said(error)) from error

    async def read(self, addresses: Sequence[str]) -> list[Any]:
        """Return the data value of each node, in order; that of a text that is no node id says so by its status.

        Raises:
            ConnectionError: the server does not answer.
        """
        values = []
        for start in range(0, len(addresses), _ITEMS_PER_CALL):
            params = ua.ReadParameters()
            params.TimestampsToReturn = ua.TimestampsToReturn.Both
            params.NodesToRead = [_value_of(address) for address in addresses[start : start + _ITEMS_PER_CALL]]
            try:
                values += await self._client.uaclient.read(params)
            except Exception as error:  # as in open
                raise ConnectionError(_said(error)) from error
        return values

    async def subscribe(self, wanted: Subscribe, receive: Receiver) -> dict[str, str]:
        """Watch nodes and hand their changes to the receiver; return why for each signal that cannot be watched.

        Raises:
            ConnectionError: there is no subscription.
        """
        self._receive = receive
        params = ua.CreateSubscriptionParameters()
        params.RequestedPublishingInterval = wanted.publishing
        params.RequestedMaxKeepAliveCount = max(1, round(KEEP_ALIVE * 1000 / max(1.0, wanted.publishing)))
        params.RequestedLifetimeCount = 10 * params.RequestedMaxKeepAliveCount
        params.MaxNotificationsPerPublish = 10_000
        params.PublishingEnabled = True
        refused: dict[str, str] = {}
        requests = self._requests(wanted, refused)
        try:
            made = await self._client.uaclient.create_subscription(params, self._published)
            left = await self._watch(made.SubscriptionId, requests)
            without = [request for request, why in left if why in _NO_FILTER]
            for request in without:
                request.RequestedParameters.Filter = None
            left = [item for item in left if item[1] not in _NO_FILTER]
            left += await self._watch(made.SubscriptionId, without)
        except Exception as error:  # as in open
            raise ConnectionError(_said(error)) from error
        self._heard = time.monotonic()
        return refused | {self._signals[request.RequestedParameters.ClientHandle]: why for request, why in left}

    async def _watch(self, subscription: int, requests: Sequence[Any]) -> list[tuple[Any, str]]:
        """Ask for monitored items; return those that the server refuses, with the name of its reason."""
        refused = []
        for start in range(0, len(requests), _ITEMS_PER_CALL):
            items = ua.CreateMonitoredItemsParameters()
            items.SubscriptionId = subscription
            items.ItemsToCreate = list(requests[start : start + _ITEMS_PER_CALL])
            items.TimestampsToReturn = ua.TimestampsToReturn.Both
            results = await self._client.uaclient.create_monitored_items(items)
            pairs = zip(items.ItemsToCreate, results, strict=True)
            refused += [
                (item, str(result.StatusCode.name)) for item, result in pairs if not result.StatusCode.is_good()
            ]
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
            silent = time.monotonic() - self._heard
            if silent > 3 * KEEP_ALIVE:
                raise ConnectionError(f"the server answers but has published nothing for {silent:.0f} s")

    async def close(self) -> None:
        """Let go of the connection, be it alive or dead."""
        if not self._lost.done():
            self._lost.cancel()
        else:
            self._lost.exception()
        try:
            await asyncio.wait_for(self._client.disconnect(), 2 * self._options.timeout)
        except Exception:  # noqa: BLE001 - what is being thrown away may fail in any way
            self._client.disconnect_socket()

    async def _secure(self) -> None:
        if self._spec.security == "none":
            return
        options = self._options
        server = None if options.server_certificate is None else str(options.server_certificate)
        try:
            await self._client.set_security(
                _POLICIES[self._spec.security],
                str(options.certificate),
                str(options.private_key),
                server_certificate=server,
                mode=ua.MessageSecurityMode.SignAndEncrypt,
            )
        except (FileNotFoundError, PermissionError, ValueError) as error:
            raise ConfigurationError(
                f"the certificates of source {self._spec.id} cannot be used: {error}",
                next_step="check the files of certificate and private key",
            ) from error

    def _requests(self, wanted: Subscribe, refused: dict[str, str]) -> list[Any]:
        requests = []
        for handle, (signal, address) in enumerate(wanted.nodes.items(), start=1):
            try:
                node = ua.NodeId.from_string(address)
            except (UaError, ValueError) as error:
                refused[signal] = f"not a node id ({_said(error)})"
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
        self._heard = time.monotonic()
        message = result.NotificationMessage
        changes = [] if self._in_sequence(message) else [Change("", None, None, 0, lost=True)]
        for notification in message.NotificationData or ():
            if isinstance(notification, ua.DataChangeNotification):
                changes += [self._change(item) for item in notification.MonitoredItems]
            elif isinstance(notification, ua.StatusChangeNotification) and not notification.Status.is_good():
                self._end(f"the server ended the subscription ({notification.Status.name})")
        if changes and self._receive is not None:
            await self._receive(changes)
            self._heard = time.monotonic()

    def _in_sequence(self, message: Any) -> bool:
        """Say whether no notification is missing; a sign of life carries the number of the next one."""
        number = int(message.SequenceNumber)
        expected, alive = self._next_number, not message.NotificationData
        if number:
            self._next_number = number if alive else number % 0xFFFF_FFFF + 1
        return expected is None or not number or number == expected

    def _change(self, item: Any) -> Change:
        return change_of(self._signals.get(item.ClientHandle, ""), item.Value)

    async def _on_lost(self, error: Exception) -> None:
        self._end(_said(error))

    def _end(self, why: str) -> None:
        if not self._lost.done():
            self._lost.set_exception(ConnectionError(why))


def change_of(signal: str, data: Any) -> Change:
    """Return what a data value of the library says of a signal."""
    status = 0 if data.StatusCode is None else int(data.StatusCode.value)
    value = None if data.Value is None else plain_value(data.Value.Value)
    stamp = data.SourceTimestamp or data.ServerTimestamp
    return Change(signal, nanoseconds(stamp), value, status, lost=status & _OVERFLOW == _OVERFLOW)


def nanoseconds(stamp: datetime | None) -> int | None:
    """Return the UTC nanoseconds of a time stamp (which has none of its own zone)."""
    if stamp is None:
        return None
    since = stamp.replace(tzinfo=stamp.tzinfo or UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def plain_value(value: object) -> object:
    """Return a value of any OPC UA type as what the intake knows; what has no plain form stays as it is."""
    if isinstance(value, ua.LocalizedText):
        return value.Text
    if isinstance(value, ua.QualifiedName):
        return value.Name
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).isoformat()
    return str(value) if isinstance(value, UUID) else value


def _value_of(address: str) -> Any:
    item = ua.ReadValueId()
    try:
        item.NodeId = ua.NodeId.from_string(address)
    except (UaError, ValueError):
        item.NodeId = ua.NodeId()  # the null node, which no server knows
    item.AttributeId = AttributeIds.Value
    return item


def _said(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text[:200]
