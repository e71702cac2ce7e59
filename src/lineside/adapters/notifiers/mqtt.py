"""A topic for HMIs and stack lights: the state of each alert as JSON, published and never read.

Nothing is written to a machine: who subscribes decides what lights. The topic may hold ``{line}`` and ``{station}``.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable

import aiomqtt

from lineside.adapters.notifiers.posting import Poster
from lineside.adapters.notifiers.webhook import cloud_event, webhook_id
from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.addresses import chosen_address
from lineside.domain.notifying.delivery import Deferred, Delivered, Outcome, Refused
from lineside.domain.notifying.messages import Message
from lineside.domain.notifying.routing import Target
from lineside.domain.said import Tongue

_YES = frozenset({"true", "yes", "1"})


class MqttNotifier:
    """Publishes with QoS 1, so that the broker says that it has it."""

    def __init__(self, target: Target, poster: Poster, secrets: Callable[[str], str], speak: Tongue) -> None:
        self._target, self._poster, self._secrets, self._speak = target, poster, secrets, speak

    async def deliver(self, message: Message) -> Outcome:
        """Publish a message."""
        options = self._target.options
        encrypted = options.get("tls", "").lower() in _YES
        port = int(options.get("port", 8883 if encrypted else 1883))
        topic = options["topic"].format(line=message.line, station=message.station)
        if not topic or any(char in topic for char in "+#\0"):
            return Refused(f"targets.{self._target.id}.topic: a topic that is published to has no wildcard")
        try:
            password = self._secrets(options.get("secret", ""))
            found = await self._poster.resolve(options["host"], port)
            field = f"targets.{self._target.id}.host"
            address = chosen_address(found, self._poster.inside, encrypted=encrypted, field=field)
        except ConfigurationError as error:
            return Deferred(str(error))
        except OSError:
            return Deferred("the broker's name cannot be resolved")
        try:
            async with (
                asyncio.timeout(self._poster.timeout),
                aiomqtt.Client(
                    # TLS checks the certificate against the name, so the name is connected to; in plain, the address.
                    options["host"] if encrypted else address,
                    port,
                    username=options.get("user") or None,
                    password=password or None,
                    identifier=webhook_id(self._target.id, message.id)[:23],
                    tls_context=ssl.create_default_context(cafile=options.get("authority") or None)
                    if encrypted
                    else None,
                ) as client,
            ):
                body = json.dumps(cloud_event(self._target, message, self._speak), ensure_ascii=False).encode()
                await client.publish(topic, body, qos=1, retain=options.get("retain", "").lower() in _YES)
        except (aiomqtt.MqttError, OSError, TimeoutError) as error:
            return Deferred(f"the broker did not take it: {type(error).__name__}")
        return Delivered()
