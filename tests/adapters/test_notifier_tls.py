"""Mail and topics over TLS: a server that cannot prove its name gets no word, and nothing falls back to plain."""

from __future__ import annotations

import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from lineside.adapters.notifiers import notifier_for
from lineside.adapters.notifiers.posting import Poster
from lineside.domain.notifying.delivery import Deferred, Delivered
from lineside.domain.notifying.routing import Channel, Target
from lineside.testing.conformance.notifier import message
from lineside.testing.peers.brokers import BrokerProcess, Doorman, mosquitto
from lineside.testing.peers.certificates import Authority
from lineside.testing.peers.ports import free_port

POSTER = Poster(inside=("127.0.0.0/8", "::1/128"), timeout=5.0)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "own").mkdir()
    return Authority(tmp_path / "own")


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    (tmp_path / "other").mkdir()
    return Authority(tmp_path / "other")


class Mailbox:
    def __init__(self) -> None:
        self.subjects: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        assert session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.subjects.append(str(mail["Subject"]))
        return "250 OK"


def _let_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    del server, session, envelope, mechanism
    return AuthResult(success=(data.login, data.password) == (b"u", b"pw"))


class StartTls(Controller):
    """A mail server that speaks TLS once it is asked to, and not at all without a context."""

    context: ssl.SSLContext | None = None

    def factory(self) -> SMTP:
        return SMTP(
            self.handler, tls_context=self.context, require_starttls=self.context is not None, authenticator=_let_in,
            auth_required=True, auth_require_tls=self.context is not None,
        )  # fmt: skip


@contextmanager
def mail_server(security: str, authority: Authority | None) -> Iterator[tuple[int, Mailbox]]:
    """Run a mail server with a certificate of an authority; without one it has no TLS to offer."""
    box, port, context = Mailbox(), free_port(), None
    if authority is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*authority.issue("mail"))
    if security == "tls":
        server = Controller(
            box, hostname="127.0.0.1", port=port, ssl_context=context, authenticator=_let_in, auth_required=True,
            auth_require_tls=False,
        )  # fmt: skip
    else:
        server = StartTls(box, hostname="127.0.0.1", port=port)
        server.context = context
    server.start()
    try:
        yield port, box
    finally:
        server.stop(no_assert=True)


def mail_target(port: int, security: str, trusted: Path, host: str = "127.0.0.1") -> Target:
    options = {
        "host": host, "port": str(port), "security": security, "authority": str(trusted), "user": "u", "secret": "key",
        "from": "lineside@works.example", "to": "shift@works.example",
    }  # fmt: skip
    return Target(id="t", channel=Channel.EMAIL, options=options)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_mail_goes_to_a_server_of_a_known_authority(security: str, authority: Authority) -> None:
    with mail_server(security, authority) as (port, box):
        target = mail_target(port, security, authority.certificate)
        assert await notifier_for(target, POSTER, lambda _: "pw", str).deliver(message()) == Delivered()
        assert len(box.subjects) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_mail_server_of_an_unknown_authority_or_another_name_gets_no_mail(
    security: str, authority: Authority, stranger: Authority
) -> None:
    with mail_server(security, authority) as (port, box):
        for target in (
            mail_target(port, security, stranger.certificate),
            mail_target(port, security, authority.certificate, host="localhost"),
        ):
            found = await notifier_for(target, POSTER, lambda _: "pw", str).deliver(message())
            assert isinstance(found, Deferred)
            assert "SSLCertVerificationError" in found.reason
        assert box.subjects == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_mail_does_not_fall_back_to_plain_where_a_server_has_no_tls(authority: Authority) -> None:
    with mail_server("starttls", None) as (port, box):
        target = mail_target(port, "starttls", authority.certificate)
        assert isinstance(await notifier_for(target, POSTER, lambda _: "pw", str).deliver(message()), Deferred)
        assert box.subjects == []


@asynccontextmanager
async def broker(folder: Path, authority: Authority) -> AsyncIterator[BrokerProcess]:
    certificate, key = authority.issue("broker")
    door = Doorman(
        authority=authority.certificate, certificate=certificate, key=key, user="u", password="pw", known=False
    )  # fmt: skip
    process = BrokerProcess("mosquitto", folder, door)
    await process.start()
    try:
        yield process
    finally:
        await process.stop(kill=True)


def topic_target(port: int, trusted: Path, host: str = "127.0.0.1", tls: str = "yes") -> Target:
    options = {
        "host": host, "port": str(port), "topic": "hmi/{station}", "tls": tls, "authority": str(trusted), "user": "u",
        "secret": "key", "retain": "yes",
    }  # fmt: skip
    return Target(id="t", channel=Channel.MQTT, options=options)


async def _retained(process: BrokerProcess, authority: Authority) -> bool:
    """Return whether the broker holds a message."""
    context = ssl.create_default_context(cafile=authority.certificate)
    async with aiomqtt.Client("127.0.0.1", process.port, username="u", password="pw", tls_context=context) as client:
        await client.subscribe("hmi/#", qos=1)
        await client.subscribe("hmi-end", qos=1)
        await client.publish("hmi-end", b"", qos=1)
        async for item in client.messages:
            return str(item.topic) != "hmi-end"
    return False


@pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")
async def test_a_topic_is_published_to_a_broker_of_a_known_authority_alone(
    tmp_path: Path, authority: Authority, stranger: Authority
) -> None:
    async with broker(tmp_path, authority) as process:
        for target in (
            topic_target(process.port, stranger.certificate),
            topic_target(process.port, authority.certificate, host="localhost"),
            topic_target(process.port, authority.certificate, tls="no"),
        ):
            assert isinstance(await notifier_for(target, POSTER, lambda _: "pw", str).deliver(message()), Deferred)
        assert not await _retained(process, authority)
        target = topic_target(process.port, authority.certificate)
        assert await notifier_for(target, POSTER, lambda _: "pw", str).deliver(message()) == Delivered()
        assert await _retained(process, authority)
