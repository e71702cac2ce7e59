"""Every notifier against a peer on loopback: the same checks for all."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from paho.mqtt.enums import CallbackAPIVersion

from lineside.adapters.notifiers import notifier_for
from lineside.adapters.notifiers.posting import Poster
from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.routing import Channel, Target
from lineside.testing.conformance.notifier import CHECKS, Bench
from lineside.testing.peers.brokers import BrokerProcess, mosquitto
from lineside.testing.peers.endpoints import Endpoint, Response, endpoint, sap, service_now
from lineside.testing.peers.ports import free_port

INSIDE = ("127.0.0.0/8",)
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="


class Secrets:
    """Secrets that can be wrong for a while."""

    def __init__(self, **known: str) -> None:
        self.known = known
        self.wrong = False

    def __call__(self, name: str) -> str:
        if not name:
            return ""
        if self.wrong:
            raise ConfigurationError("a secret is not there", field=name)
        return self.known[name]


def http_target(channel: Channel, **options: str) -> Target:
    return Target(id="t", channel=channel, options=options)


def bench_on(server: Endpoint, target: Target, secrets: Secrets, told: Callable[[], list[str]]) -> Bench:
    def refuse() -> None:
        secrets.wrong = True

    def take() -> None:
        secrets.wrong = False

    return Bench(
        notifier=notifier_for(target, Poster(inside=INSIDE, timeout=2.0), secrets, str),
        told=told,
        refuse_secret=refuse,
        take_secret=take,
        go_away=lambda: server.planned.extend([Response(close=True)] * 4),
    )


def distinct(server: Endpoint, key: Callable[[Any], str]) -> list[str]:
    found = {key(item): item for item in server.got if item.method == "POST"}
    return [item.body.decode() for item in found.values()]


HTTP: dict[str, tuple[Any, Callable[[Endpoint], Bench]]] = {
    "webhook": (
        None,
        lambda server: bench_on(
            server,
            http_target(Channel.WEBHOOK, url=f"{server.url}/hook", secret="key"),
            Secrets(key=SECRET),
            lambda: [
                json.dumps(json.loads(text), ensure_ascii=False)
                for text in distinct(server, lambda item: item.headers["webhook-id"])
            ],
        ),
    ),
    "teams": (
        None,
        lambda server: bench_on(
            server,
            http_target(Channel.TEAMS, url_secret="key"),
            Secrets(key=f"{server.url}/flow"),
            lambda: distinct(server, lambda item: item.body.decode()),
        ),
    ),
    "slack": (
        None,
        lambda server: bench_on(
            server,
            http_target(Channel.SLACK, url_secret="key"),
            Secrets(key=f"{server.url}/services/x"),
            lambda: distinct(server, lambda item: item.body.decode()),
        ),
    ),
    "servicenow": (
        service_now,
        lambda server: bench_on(
            server,
            http_target(Channel.SERVICENOW, url=server.url, user="u", secret="key"),
            Secrets(key="pw"),
            lambda: distinct(server, lambda item: item.json.get("correlation_id", "")),
        ),
    ),
    "sap": (
        lambda: sap("ExternalReference"),
        lambda server: bench_on(
            server,
            http_target(
                Channel.SAP,
                url=server.url,
                path="/odata/Notification",
                user="u",
                secret="key",
                correlation_field="ExternalReference",
                **{"field.NotificationText": "{title}", "field.LongText": "{text} {step}"},
            ),
            Secrets(key="pw"),
            lambda: distinct(server, lambda item: item.json["ExternalReference"]),
        ),
    ),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", HTTP)
async def test_every_notifier_over_http_keeps_to_the_port(kind: str, check: Callable[[Bench], Awaitable[None]]) -> None:
    usual, make = HTTP[kind]
    async with endpoint(*(() if usual is None else (usual(),))) as server:
        await check(make(server))


class Mailbox:
    """Keeps mails as a server that knows a Message-ID shows them: once."""

    def __init__(self) -> None:
        self.mails: dict[str, str] = {}

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert mail["Bcc"] is None
        body = mail.get_body()
        assert body is not None
        self.mails[str(mail["Message-ID"])] = f"{mail['Subject']} {body.get_content()}"
        return "250 OK"


@contextmanager
def mail_server(passwords: dict[str, str]) -> Iterator[tuple[Controller, Mailbox]]:
    box = Mailbox()

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        del server, session, envelope, mechanism
        return AuthResult(success=passwords["u"].encode() == data.password)

    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=authenticate,
        auth_require_tls=False,
        auth_required=True,
    )
    controller.start()
    try:
        yield controller, box
    finally:
        if not controller.loop.is_closed():
            controller.stop(no_assert=True)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_mail_keeps_to_the_port(check: Callable[[Bench], Awaitable[None]]) -> None:
    passwords = {"u": "pw"}
    with mail_server(passwords) as (controller, box):
        port = controller.port
        target = Target(
            id="t", channel=Channel.EMAIL,
            options={
                "host": "127.0.0.1", "port": str(port), "security": "none", "from": "lineside@works.example",
                "to": "shift@works.example", "user": "u", "secret": "key",
            },
        )  # fmt: skip
        await check(
            Bench(
                notifier=notifier_for(target, Poster(inside=INSIDE, timeout=2.0), Secrets(key="pw"), str),
                told=lambda: list(box.mails.values()),
                refuse_secret=lambda: passwords.update(u="other"),
                take_secret=lambda: passwords.update(u="pw"),
                go_away=lambda: controller.stop(no_assert=True),
            )
        )


@pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_topic_keeps_to_the_port(tmp_path: Path, check: Callable[[Bench], Awaitable[None]]) -> None:
    broker = BrokerProcess("mosquitto", tmp_path)
    await broker.start()
    heard: dict[str, str] = {}
    listening, done = threading.Event(), threading.Event()

    def note(client: Any, given: Any, item: paho.MQTTMessage) -> None:
        del client, given
        if item.topic == "hmi/end":
            done.set()
            return
        assert item.topic == "hmi/dc07/cast"
        content = json.loads(item.payload)
        heard[content["id"]] = json.dumps(content, ensure_ascii=False).replace("porosity", "Porosity")

    reader = paho.Client(CallbackAPIVersion.VERSION2)
    reader.on_subscribe = lambda *_: listening.set()
    reader.on_message = note
    reader.connect("127.0.0.1", broker.port)
    reader.loop_start()
    reader.subscribe("hmi/#", qos=1)
    assert await asyncio.to_thread(listening.wait, 10)

    def told() -> list[str]:
        reader.publish("hmi/end", b"", qos=1)
        assert done.wait(10)
        return list(heard.values())

    secrets = Secrets(key="")
    try:
        target = Target(
            id="t",
            channel=Channel.MQTT,
            options={"host": "127.0.0.1", "port": str(broker.port), "topic": "hmi/{line}/{station}", "secret": "key"},
        )
        await check(
            Bench(
                notifier=notifier_for(target, Poster(inside=INSIDE, timeout=5.0), secrets, str),
                told=told if check.__name__ != "check_a_peer_that_is_away_defers" else lambda: list(heard.values()),
                refuse_secret=lambda: setattr(secrets, "wrong", True),
                take_secret=lambda: setattr(secrets, "wrong", False),
                go_away=lambda: os.kill(broker.pid, signal.SIGKILL),
            )
        )
    finally:
        reader.disconnect()
        reader.loop_stop()
        await broker.stop(kill=True)
