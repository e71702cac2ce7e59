"""One session with an OPC UA server, through asyncua: agree on security, log in, read, and let go.

Nothing is done in the clear unless the plan says so. With a security policy the server is asked first which
endpoints and which certificate it has; a certificate that is not pinned is refused before anything is said to the
server that it should not know, and the handshake that follows proves that the server holds the key of the pinned one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lineside.adapters.opcua.certificates import SOON, days_left, described, fingerprint, own_certificate, pinned, utc
from lineside.adapters.opcua.options import LARGEST_MESSAGE, SESSION_TIMEOUT
from lineside.adapters.opcua.refusals import Refused, RefusedError, meaning_of
from lineside.adapters.opcua.values import nanoseconds
from lineside.domain.errors import ConfigurationError
from lineside.domain.units import SECOND

if TYPE_CHECKING:
    from lineside.adapters.opcua.options import OpcuaOptions
    from lineside.domain.plan.model import OpcuaSpec

NODES_PER_CALL: Final = 500
"""Nodes of one call, where the server sets no smaller limit."""
_SERVER_TIME: Final = f"i={ObjectIds.Server_ServerStatus_CurrentTime}"
_LIMITS: Final = {
    name: ua.NodeId.from_string(f"i={getattr(ObjectIds, f'Server_ServerCapabilities_OperationLimits_{name}')}")
    for name in ("MaxNodesPerRead", "MaxNodesPerBrowse", "MaxMonitoredItemsPerCall", "MaxNodesPerHistoryReadData")
}
_POLICIES: Final[dict[str, Any]] = {
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockReading:
    """How far the server's clock is ahead of this machine's, and how long the question took (both ns).

    The true difference is within half of the round trip of ``ahead``.
    """

    ahead: int
    round_trip: int

    def within(self, allowed: int | None) -> bool:
        """Say whether the clocks may be no further apart than this (ns; None: any difference is allowed)."""
        return allowed is None or abs(self.ahead) - self.round_trip // 2 <= allowed

    @property
    def words(self) -> str:
        """The difference as people say it."""
        return f"{abs(self.ahead) / SECOND:.3f} s {'ahead of' if self.ahead > 0 else 'behind'} this machine's"


class Session:
    """A session with the server of a source; ``warnings`` name what will stop it soon, each with a sentence."""

    def __init__(self, spec: OpcuaSpec, options: OpcuaOptions) -> None:
        self._spec = spec
        self._options = options
        self._limits: dict[str, Any] = {}
        self._server: bytes | None = None
        self.warnings: dict[str, str] = {}
        self.client = Client(spec.url, timeout=options.timeout, watchdog_intervall=options.alive)

    async def open(self, on_lost: Callable[[Exception], Coroutine[Any, Any, None]] | None = None) -> None:
        """Connect and log in; ``on_lost`` is called when the connection is lost.

        Raises:
            RefusedError: the server does not answer, or one of both sides refuses the other; it says what to do.
            ConfigurationError: our own certificate cannot be used.
        """
        client = self.client
        client.name = client.description = "Lineside gateway"
        client.session_timeout = SESSION_TIMEOUT
        client.max_messagesize = LARGEST_MESSAGE
        client.connection_lost_callback = on_lost
        try:
            if self._spec.security != "none":
                await self._secure(await self.certificate_of_server())
            await self._log_in()
            await client.connect()
        except (ConfigurationError, RefusedError):
            raise
        except Exception as error:  # a server may answer anything, and the library stumbles in many ways
            raise RefusedError(said(error), meaning_of(error)) from error

    @property
    def broken(self) -> bool:
        """Whether the line is gone, as far as this side knows."""
        return self.client.state is not UaClientState.CONNECTED

    async def certificate_of_server(self) -> bytes:
        """Ask the server, in the clear, for the certificate of the endpoint that the plan wants; return it (DER).

        Raises:
            RefusedError: it does not answer, or has no such endpoint.
        """
        try:
            endpoints = await self.client.connect_and_get_server_endpoints()
        except Exception as error:  # as in open
            raise RefusedError(said(error), meaning_of(error)) from error
        wanted, mode = _POLICIES[self._spec.security].URI, ua.MessageSecurityMode.SignAndEncrypt
        for endpoint in endpoints:
            if (endpoint.SecurityPolicyUri, endpoint.SecurityMode) == (wanted, mode) and endpoint.ServerCertificate:
                return _first_of_chain(bytes(endpoint.ServerCertificate))
        offered = {f"{item.SecurityPolicyUri.rpartition('#')[2]} {item.SecurityMode.name}" for item in endpoints}
        seen = f"the server does not offer {self._spec.security} SignAndEncrypt, only {', '.join(sorted(offered))}"
        advice = "switch the plan's policy on at the machine's server; an older one is not taken"
        raise RefusedError(seen, Refused("security", advice))

    async def read(self, addresses: Sequence[str]) -> list[Any]:
        """Return the data value of each node, in order; that of a text that is no node id says so by its status.

        Raises:
            ConnectionError: the server does not answer.
        """
        return await self.read_attributes([(node_id(text), AttributeIds.Value) for text in addresses])

    async def read_attributes(self, wanted: Sequence[tuple[Any, Any]]) -> list[Any]:
        """Return the data value of each pair of node id and attribute, in order.

        Raises:
            ConnectionError: the server does not answer.
        """
        values = []
        per_call = await self.limit("MaxNodesPerRead", NODES_PER_CALL)
        for start in range(0, len(wanted), per_call):
            params = ua.ReadParameters()
            params.TimestampsToReturn = ua.TimestampsToReturn.Both
            params.NodesToRead = [_read_value(*pair) for pair in wanted[start : start + per_call]]
            values += await self.ask(self.client.uaclient.read(params))
        return values

    async def limit(self, name: str, most: int) -> int:
        """Return how many nodes a call may have: what the server says (OperationLimits, Part 5, 6.3.11), or ``most``.

        Raises:
            ConnectionError: the server does not answer.
        """
        if not self._limits:
            params = ua.ReadParameters()
            params.NodesToRead = [_read_value(node, AttributeIds.Value) for node in _LIMITS.values()]
            values = await self.ask(self.client.uaclient.read(params))
            said = [None if data.Value is None else data.Value.Value for data in values]
            self._limits = dict(zip(_LIMITS, said, strict=True))
        found = self._limits[name]
        return min(most, found) if isinstance(found, int) and found > 0 else most

    async def clock(self) -> ClockReading | None:
        """Compare the server's clock with this machine's; None where it does not tell its time.

        Raises:
            ConnectionError: the server does not answer.
        """
        asked = self._options.now()
        [data] = await self.read([_SERVER_TIME])
        answered = self._options.now()
        stamp = None if data.Value is None else nanoseconds(data.Value.Value)
        if stamp is None:
            return None
        return ClockReading(ahead=stamp - (asked + answered) // 2, round_trip=answered - asked)

    async def ask(self, request: Awaitable[Any]) -> Any:
        """Return the answer to a request of the library.

        Raises:
            ConnectionError: there is none.
        """
        try:
            return await request
        except Exception as error:  # as in open
            raise ConnectionError(said(error)) from error

    async def resume(self) -> bool:
        """Take the session up over a new line; return whether the server still had it, else there is a new one.

        Raises:
            RefusedError: the server does not answer, or one side refuses the other.
        """
        client = self.client
        try:
            if self._server is not None:
                self._check(self._server)
            client.uaclient.clear_disconnect_request()
            # The library's own reconnection would also make subscriptions anew, and hides the loss from us; this is
            # the step of it that activates the session again, or opens one where the server has forgotten it.
            resumed = await client._try_reactivate_existing_session()  # noqa: SLF001 - as above
            client._supervisor_task = asyncio.create_task(client._connection_supervisor())  # noqa: SLF001 - as above
        except RefusedError:
            raise
        except Exception as error:  # as in open
            raise RefusedError(said(error), meaning_of(error)) from error
        return bool(resumed)

    async def rest(self) -> None:
        """Let go of the line alone, so that the server keeps the session for its time."""
        await self.client._teardown_transport_only()  # noqa: SLF001 - closes the line and says nothing to the server

    async def close(self) -> None:
        """Let go of the session, be it alive or dead."""
        try:
            await asyncio.wait_for(self.client.disconnect(), 2 * self._options.timeout)
        except Exception:  # noqa: BLE001 - what is being thrown away may fail in any way
            self.client.disconnect_socket()

    # -- security -----------------------------------------------------------------------------------------

    async def _secure(self, offered: bytes) -> None:
        """Check the server's certificate, and agree on keys with its owner."""
        options, now = self._options, utc(self._options.now())
        self._check(offered)
        self._server = offered
        own = await asyncio.to_thread(own_certificate, options.certificate, options.private_key, options.uri, now)
        self.client.application_uri = own.uri
        server = x509.load_der_x509_certificate(offered).public_bytes(serialization.Encoding.DER)
        await self.client.set_security(
            _POLICIES[self._spec.security],
            CertProperties(str(own.certificate), "pem"),
            CertProperties(str(own.key), "pem"),
            server_certificate=CertProperties(server, "der"),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )

    def _check(self, offered: bytes) -> None:
        """Refuse a certificate that is not pinned, or not valid now."""
        trusted, seen = pinned(self._options.trusted), fingerprint(offered)
        command = f"compare the fingerprint with the machine's, then: {self._options.trust}"
        if not trusted:
            raise RefusedError(f"nobody has trusted the server's certificate {seen}", Refused("trust", command))
        if offered not in trusted:
            old = ", ".join(fingerprint(item) for item in trusted)
            text = f"the server's certificate has changed: it is {seen}, trusted is {old}"
            raise RefusedError(text, Refused("trust", f"find out why; if the machine was renewed, {command}"))
        left = days_left(offered, utc(self._options.now()))
        if left is None or left.total_seconds() <= 0:
            text = f"the server's certificate is not valid now: {described(offered)}"
            advice = "set both clocks, or make a new certificate at the machine and trust it: " + self._options.trust
            raise RefusedError(text, Refused("certificate", advice))
        self.warnings = {}
        if left < SOON:
            self.warnings["certificate"] = f"the server's ends in {left.days} days: make a new one there and trust it"

    async def _log_in(self) -> None:
        """Say who we are: by a certificate, by name and password, or not at all."""
        if self._spec.user_certificate:
            await self._log_in_by_certificate()
        elif self._spec.username:
            self.client.set_user(self._spec.username)
            self.client.set_password(self._options.password)

    async def _log_in_by_certificate(self) -> None:
        certificate, key = self._options.user_certificate, self._options.user_key
        if certificate is None or key is None or not (certificate.exists() and key.exists()):
            raise ConfigurationError(
                "the user's certificate or its key is not there",
                field=f"sources.{self._spec.id}.user_certificate",
                next_step=f"put {self._spec.id}.user.crt and {self._spec.id}.user.key (PEM) into the keys folder",
            )
        try:
            await self.client.load_client_certificate(str(certificate), "pem")
            await self.client.load_private_key(key, extension="pem")
        except (ValueError, OSError) as error:
            raise ConfigurationError(
                "the user's certificate or its key cannot be read", where=str(certificate), value=said(error)
            ) from error


def node_id(text: str) -> Any:
    """Return the node id that a text says; the null node, which no server knows, where it says none."""
    with contextlib.suppress(UaError, ValueError):
        return ua.NodeId.from_string(text)
    return ua.NodeId()


def said(error: BaseException) -> str:
    """Return what an error says, short, with the name of its status where there is one."""
    text = str(error).strip() or type(error).__name__
    name = type(error).__name__
    return (f"{name}: {text}" if name.startswith("Bad") and name not in text else text)[:200]


def _read_value(node: Any, attribute: Any) -> Any:
    item = ua.ReadValueId()
    item.NodeId = node
    item.AttributeId = attribute
    return item


def _first_of_chain(der: bytes) -> bytes:
    """Return the server's own certificate of a chain, which is a sequence of certificates one after another."""
    return der[: int.from_bytes(der[2:4], "big") + 4]
