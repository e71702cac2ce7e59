"""The plant's desk for gateways: tokens out, requests in, and who may come in at the transport.

A request to enrol is taken in this order, each step harmless to repeat:

1. look the token up, and check that it and the device's new key have signed the request;
2. spend the token and note the gateway, in one transaction;
3. add it to the audit record;
4. let the gateway in at the transport (its server loads its users anew);
5. answer, signed.

Revocation notes it, audits it, and has the transport load its users: the server closes the gateway's connection, and
the ingest refuses what it wrote. The state is the record; the server's file of users follows it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.durable_files import load_key
from lineside.adapters.nats_server import read_address
from lineside.adapters.nats_users import NatsUser, write_users
from lineside.adapters.release_keys import release_keys
from lineside.adapters.state_sql import SqlState
from lineside.adapters.tls_authority import authority_der
from lineside.apps.layout import Layout
from lineside.domain.enrolment import TOKEN_LASTS, Gateway, TokenRecord, check_lasts, check_name
from lineside.domain.errors import ConfigurationError, IntegrityError, LinesideError
from lineside.domain.units import DAY
from lineside.ports import Bus, Clock
from lineside.wire.enrolment import (
    EnrolAnswer,
    EnrolToken,
    exchange_public,
    peek_request,
    sign_answer,
    verify_request,
    verify_rotation,
    watermark_key,
)
from lineside.wire.nkeys import user_key
from lineside.wire.signed import Signer
from lineside.wire.subjects import Subjects, enrolment, inbox

QUEUE: Final = "gateways"
FOLLOW_SECONDS: Final = 2.0
"""How long a change made by another process may take to be followed here."""
_KEPT: Final = DAY
"""For how long a token that is over may still ask, so that it is told why not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayDesk:
    """Enrols, rotates and revokes the gateways of a site; all its state is in the plant's stores."""

    layout: Layout
    state: SqlState
    audit: SqliteAudit
    clock: Clock

    async def make_token(
        self, gateway: str, *, site: str, line: str, url: str = "", lasts: int = TOKEN_LASTS, by: str
    ) -> EnrolToken:
        """Return a token with which a gateway of that name can enrol once, for one line.

        Args:
            gateway: the name that it will have.
            site: the site's id.
            line: the line's id.
            url: where the transport is for the gateway; empty: as this plant's own server says.
            lasts: how long the token lasts, in nanoseconds.
            by: who asked for it, for the audit record.

        Raises:
            InputError: the name or the time will not do.
            ConfigurationError: no transport is known.
        """
        check_name(gateway)
        check_lasts(lasts)
        address = read_address(self.layout.nats)
        if address is None:
            raise ConfigurationError(
                "this plant has no transport of its own yet", next_step="start `lineside up` or `lineside plant` first"
            )
        secret = secrets.token_bytes(32)
        token = EnrolToken(
            id=secrets.token_hex(8),
            gateway=gateway,
            site=site,
            line=line,
            url=url or address.reach or address.url,
            secret=secret,
            plant=Signer(load_key(self.layout.plant_key)).public,
            exchange=exchange_public(load_key(self.layout.exchange_key)),
            authority=authority_der(address.authority) if address.authority else b"",
            expires=self.clock.now() + lasts,
        )
        said = {"gateway": gateway, "line": line, "token": token.id, "expires": token.expires, "by": by}
        await self.audit.append("gateway.token", said)
        await self.state.gateways.add_token(
            TokenRecord(
                id=token.id,
                gateway=gateway,
                site=site,
                line=line,
                public=Signer(secret).public.hex(),
                expires=token.expires,
            )
        )
        await self.follow()
        return token

    async def enrol(self, data: bytes) -> bytes:
        """Answer a device's request; what is no request at all raises `IntegrityError` and gets no answer."""
        claimed, now = peek_request(data), self.clock.now()
        refused = await self._enrol(data, claimed.token, now)
        said = {"gateway": claimed.gateway, "line": claimed.line, "token": claimed.token, "key": claimed.key.hex()}
        if refused:
            await self.audit.append("gateway.refused", {**said, "reason": refused})
        else:
            await self.audit.append("gateway.enrolled", said)
            await self.follow()
        trusted = () if refused else release_keys(self.layout.keys)
        answer = EnrolAnswer(token=claimed.token, key=claimed.key, time=now, refused=refused, trusted=trusted)
        return sign_answer(answer, self._signer)

    async def _enrol(self, data: bytes, token_id: str, now: int) -> str:
        token = await self.state.gateways.token(token_id)
        if token is None:
            return "the plant knows no such token: have a new one made"
        try:
            request = verify_request(data, bytes.fromhex(token.public), now)
            watermark_key(load_key(self.layout.exchange_key), request.exchange, request.gateway)
        except IntegrityError as error:
            return str(error)
        return await self.state.gateways.enrol(request.applicant, now)

    async def rotate(self, gateway: str, data: bytes) -> bytes:
        """Answer a gateway that wants to be known by another key."""
        now = self.clock.now()
        known = await self.state.gateways.named(gateway)
        rotation = verify_rotation(data, bytes.fromhex(known.key), now)
        refused = ""
        if rotation.gateway != gateway or known.revoked is not None:
            refused = f"not the gateway {gateway}, or revoked"
        elif rotation.key.hex() != known.key:
            await self.state.gateways.rotate(gateway, known.key, rotation.key.hex())
            await self.audit.append(
                "gateway.rotated", {"gateway": gateway, "old": known.key, "new": rotation.key.hex()}
            )
        # The users are loaded a little later by whoever follows: at once would cut the connection of this request.
        trusted = () if refused else release_keys(self.layout.keys)
        answer = EnrolAnswer(token="", key=rotation.key, time=now, refused=refused, trusted=trusted)
        return sign_answer(answer, self._signer)

    async def revoke(self, gateway: str, *, by: str) -> None:
        """Take a gateway's rights away: at the transport at once, at every ingest within `FOLLOW_SECONDS`.

        Raises:
            InputError: there is no such gateway.
            UnavailableError: the transport could not be told; it is tried again by the plant's process.
        """
        known = await self.state.gateways.named(gateway)
        await self.audit.append("gateway.revoked", {"gateway": gateway, "key": known.key, "by": by})
        await self.state.gateways.revoke(gateway, self.clock.now())
        await self.follow()

    async def follow(self) -> tuple[Gateway, ...]:
        """Bring the transport's users in line with the state, and return the gateways."""
        address = read_address(self.layout.nats)
        known = await self.state.gateways.all()
        if address is not None:
            users = [_gateway_user(item) for item in known if item.revoked is None]
            oldest = self.clock.now() - _KEPT
            users += [_token_user(item) for item in await self.state.gateways.tokens() if item.expires > oldest]
            await asyncio.to_thread(write_users, self.layout.nats, address.user, address.password, users)
        return known

    @property
    def _signer(self) -> Signer:
        return Signer(load_key(self.layout.plant_key))


@dataclass(slots=True)
class GatewayRoll(Collection[str]):
    """The writers whose records the plant takes, and the keys of their watermarks, as the state has them.

    ``local`` are writers of this machine that hold the plant's own credentials.
    """

    desk: GatewayDesk
    local: frozenset[str] = frozenset()
    problem: str = ""
    _known: dict[str, Gateway] = field(default_factory=dict)

    async def keep(self) -> None:
        """Follow the state until cancelled; a state or transport that fails is tried again."""
        while True:
            try:
                await self.refresh()
            except LinesideError as error:
                self.problem = str(error)
            await asyncio.sleep(FOLLOW_SECONDS)

    async def refresh(self) -> None:
        """Take up what the state says now."""
        self._known = {item.name: item for item in await self.desk.follow()}
        self.problem = ""

    def key(self, writer: str) -> bytes:
        """Return the key of a writer's watermarks; of a writer that is not known, one that nobody else has."""
        gateway = self._known.get(writer)
        if gateway is None:
            return load_key(self.desk.layout.watermark_key)
        return _derived(load_key(self.desk.layout.exchange_key), bytes.fromhex(gateway.exchange), writer)

    def __contains__(self, writer: object) -> bool:
        if writer in self.local:
            return True
        gateway = self._known.get(writer) if isinstance(writer, str) else None
        return gateway is not None and gateway.revoked is None

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self.local, *(name for name in self._known if name in self)}))

    def __len__(self) -> int:
        return len(tuple(iter(self)))


async def serve_gateways(bus: Bus, desk: GatewayDesk, roll: GatewayRoll, subjects: Subjects) -> None:
    """Answer what devices ask to be enrolled with, and gateways to be known by another key."""

    async def enrol(_: str, data: bytes) -> bytes:
        reply = await desk.enrol(data)
        await roll.refresh()
        return reply

    async def rotate(subject: str, data: bytes) -> bytes:
        return await desk.rotate(subject.rpartition(".")[2], data)

    await bus.serve_each(enrolment(subjects.site, "*"), enrol, QUEUE)
    await bus.serve_each(subjects.rotation, rotate, QUEUE)


def _gateway_user(gateway: Gateway) -> NatsUser:
    subjects = Subjects(gateway.site, gateway.line, gateway.name)
    key = user_key(bytes.fromhex(gateway.key))
    return NatsUser(key=key, publish=subjects.may_publish, subscribe=subjects.may_hear)


def _token_user(token: TokenRecord) -> NatsUser:
    key = user_key(bytes.fromhex(token.public))
    return NatsUser(key=key, publish=(enrolment(token.site, token.id),), subscribe=(f"{inbox(token.id)}.>",))


@lru_cache(maxsize=256)
def _derived(private: bytes, public: bytes, writer: str) -> bytes:
    return watermark_key(private, public, writer)
