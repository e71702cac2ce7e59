"""An OPC UA server in this process, with the signals of `lineside.testing.plans`, at one port of loopback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.history import HistoryDict
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lineside.testing.peers.identities import Identity
from lineside.testing.peers.ports import free_port

NODES: Final = {
    "temperature": "ns=2;s=Press.Temperature",
    "pressure": "ns=2;s=Press.Pressure",
    "running": "ns=2;s=Press.Running",
    "serial": "ns=2;s=Press.Serial",
}
LABORATORY: Final = {"kind": "opcua", "security": "none", "laboratory": True}
"""Fields of a source that reaches this server without security."""
_TYPES: Final = {
    "temperature": ua.VariantType.Double,
    "pressure": ua.VariantType.Double,
    "running": ua.VariantType.Boolean,
    "serial": ua.VariantType.String,
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard(UserManager):
    """How a server guards itself: its certificate, the policies it offers, and whom it lets in.

    ``clients`` are the gateways' certificates that it trusts (DER; None: any), ``users`` names with their passwords,
    ``people`` the certificates that may log in (DER). With either of the last two nobody comes in anonymously.
    """

    identity: Identity
    policies: tuple[Any, ...] = (
        ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
        ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    )
    clients: tuple[bytes, ...] | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    people: tuple[bytes, ...] = ()

    def get_user(
        self, _server: object, username: str | None = None, password: str | None = None, certificate: object = None
    ) -> User | None:
        """Return the user that somebody is, or None, as the library asks."""
        if not (self.users or self.people):
            return User(role=UserRole.User)
        known = username is not None and self.users.get(username) == password
        return User(role=UserRole.User) if known or certificate in self.people else None

    async def check_client(self, certificate: x509.Certificate, _application: object) -> None:
        """Refuse a gateway that is not trusted, as the library asks."""
        if self.clients is not None and certificate.public_bytes(serialization.Encoding.DER) not in self.clients:
            raise ServiceError(StatusCodes.BadSecurityChecksFailed)


class KeptHistory(HistoryDict):
    """A history that outlives the server that writes it, as a machine keeps one on its disk."""

    async def new_historized_node(self, node_id: Any, period: timedelta | None, count: int = 0) -> None:
        """Begin to keep a node, or go on."""
        if node_id not in self._datachanges:
            await super().new_historized_node(node_id, period, count)

    def forget(self) -> None:
        """Drop all values."""
        for values in self._datachanges.values():
            values.clear()

    async def save_node_value(self, node_id: Any, datavalue: Any) -> None:
        """Keep a value that has a time."""
        if datavalue.SourceTimestamp is not None:
            await super().save_node_value(node_id, datavalue)


class OpcuaPeer:
    """A server that can be stopped and started again; its nodes begin with a bad status and no value.

    Args:
        guard: how it guards itself; without one it takes anybody, in the clear.
        historized: signals of which it keeps a history, over restarts too.
    """

    def __init__(self, guard: Guard | None = None, historized: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.guard = guard
        self._historized = historized
        self._history = KeptHistory()
        self._server: Any = None
        self._folder: Any = None
        self._nodes: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """The address, as a plan writes it."""
        return f"opc.tcp://127.0.0.1:{self.port}/peer"

    async def start(self) -> None:
        """Start it, with all nodes."""
        self._server = Server(user_manager=self.guard)
        await self._server.init()
        self._server.set_endpoint(self.url)
        await self._secure()
        space = await self._server.register_namespace("urn:peer")
        self._folder = folder = await self._server.nodes.objects.add_object(space, "Press")
        for signal, text in NODES.items():
            node = ua.NodeId.from_string(text)
            start: object = {"running": False, "serial": ""}.get(signal, 0.0)
            self._nodes[signal] = await folder.add_variable(node, signal, start, _TYPES[signal])
        await self.reset()
        if self._historized:
            self._server.iserver.history_manager.set_storage(self._history)
        await self._server.start()
        for signal in self._historized:
            await self._server.historize_node_data_change(self._nodes[signal])

    async def remember(self, signal: str, value: object, time: int) -> None:
        """Put a value into the history alone, as one that came while nobody was connected."""
        await self._history.save_node_value(self._nodes[signal].nodeid, self._data(signal, value, time))

    async def limit(self, capability: int, most: int) -> None:
        """Say one of the server's limits, by the number of its well-known node."""
        await self._server.get_node(ua.NodeId.from_string(f"i={capability}")).write_value(ua.UInt32(most))

    def forget(self) -> None:
        """Empty the history."""
        self._history.forget()

    async def add(self, name: str, value: object, **properties: object) -> None:
        """Add a variable below the press, with properties by their browse names."""
        node = await self._folder.add_variable(ua.NodeId.from_string(f"ns=2;s=Press.{name}"), name, value)
        for key, content in properties.items():
            await node.add_property(ua.NodeId.from_string(f"ns=2;s=Press.{name}.{key}"), f"0:{key}", content)

    async def _secure(self) -> None:
        guard = self.guard
        if guard is None:
            self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
            return
        await self._server.set_application_uri("urn:peer")
        await self._server.load_certificate(str(guard.identity.certificate), "pem")
        await self._server.load_private_key(str(guard.identity.key), format="pem")
        self._server.set_security_policy(list(guard.policies))
        self._server.set_certificate_validator(guard.check_client)
        if guard.users or guard.people:
            self._server.set_identity_tokens([ua.X509IdentityToken, ua.UserNameIdentityToken])

    async def reset(self) -> None:
        """Let all nodes wait for their first value."""
        for signal in NODES:
            await self.write(signal, None, None, status=StatusCodes.BadWaitingForInitialData)

    async def stop(self) -> None:
        """Stop it."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def write(self, signal: str, value: object, time: int | None, *, status: int = 0, kind: Any = None) -> None:
        """Set a node's value as the machine would: with its source time (UTC nanoseconds) and status."""
        data = self._data(signal, value, time, status=status, kind=kind)
        space, node = self._server.iserver.aspace, self._nodes[signal].nodeid
        # The library lets a value have a new type only where there is none; machines change types as they like.
        space._nodes[node].attributes[AttributeIds.Value].value = None  # noqa: SLF001
        await space.write_attribute_value(node, AttributeIds.Value, data)

    def _data(self, signal: str, value: object, time: int | None, *, status: int = 0, kind: Any = None) -> Any:
        stamp: Any = None if time is None else _EPOCH + timedelta(microseconds=time // 1000)
        variant = None if value is None else ua.Variant(value, kind or _TYPES[signal])
        return ua.DataValue(Value=variant, StatusCode=ua.StatusCode(ua.UInt32(status)), SourceTimestamp=stamp)

    async def write_text(self, signal: str, text: str, time: int) -> None:
        """Set a node's value to a text, whatever its type, as a machine may after a change of its program."""
        await self.write(signal, text, time, kind=ua.VariantType.String)
