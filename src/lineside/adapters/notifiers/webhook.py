"""Signed webhooks: an event in the form of CloudEvents 1.0, signed as Standard Webhooks asks.

The message's own id is both the event's and the webhook's, so that a receiver who has seen it can drop it. While a
secret is exchanged its file has two lines, the new one first, and each signs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from lineside.adapters.notifiers.posting import Poster
from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.delivery import Deferred, Outcome
from lineside.domain.notifying.messages import Message
from lineside.domain.notifying.routing import Target
from lineside.domain.notifying.wording import in_words
from lineside.domain.said import Tongue
from lineside.domain.units import SECOND

_PREFIX: Final = "whsec_"
_LEAST_SECRET, _MOST_SECRET = 24, 64


class WebhookNotifier:
    """Posts to a URL of ours or of a partner."""

    def __init__(self, target: Target, poster: Poster, secrets: Callable[[str], str], speak: Tongue) -> None:
        self._target, self._poster, self._secrets, self._speak = target, poster, secrets, speak

    async def deliver(self, message: Message) -> Outcome:
        """Post a message."""
        options = self._target.options
        body = json.dumps(
            cloud_event(self._target, message, self._speak), ensure_ascii=False, separators=(",", ":")
        ).encode()
        sent = int(time.time())
        name = webhook_id(self._target.id, message.id)
        try:
            keys = [webhook_key(line) for line in self._secrets(options["secret"]).split()]
        except ConfigurationError as error:
            return Deferred(str(error))
        headers = {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": name,
            "webhook-timestamp": str(sent),
            "webhook-signature": " ".join(sign(key, name, sent, body) for key in keys),
        }
        where = f"targets.{self._target.id}.url"
        authority = options.get("authority", "")
        return await self._poster.deliver("POST", options["url"], body, headers, where=where, authority=authority)


def webhook_id(target: str, message: str) -> str:
    """Return the id under which a message goes to a target: the same at every attempt."""
    return f"msg_{hashlib.sha256(chr(10).join((target, message)).encode()).hexdigest()[:32]}"


def webhook_key(secret: str) -> bytes:
    """Return the key of a secret in the form of Standard Webhooks, ``whsec_`` and base64 of 24 to 64 bytes.

    Raises:
        ConfigurationError: it is of another form.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(_PREFIX) or not _LEAST_SECRET <= len(key) <= _MOST_SECRET:
        raise ConfigurationError(
            "the webhook's secret is not 'whsec_' and base64 of 24 to 64 bytes",
            next_step="make one: lineside notify secret",
        )
    return key


def sign(key: bytes, name: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a webhook (Standard Webhooks, version 1: HMAC-SHA256 of id, time and body)."""
    digest = hmac.new(key, f"{name}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def cloud_event(target: Target, message: Message, speak: Tongue) -> dict[str, Any]:
    """Return a message as a CloudEvent; nothing in its attributes says more than which alert it is about.

    What people read (text, step, where links lead) is in the target's language, all else the same in every one.
    """
    told = in_words(message, target.language, speak)
    return {
        "specversion": "1.0",
        "id": message.id,
        "source": f"/lineside/{message.line}",
        "type": f"lineside.alert.{message.occasion}",
        "subject": message.alert,
        "time": _iso(message.time),
        "datacontenttype": "application/json",
        "data": {
            "station": message.station,
            "characteristic": message.characteristic,
            "cause": message.cause,
            "priority": str(message.priority),
            "notice": str(message.notice),
            "text": told.text,
            "step": told.step,
            "role": message.role,
            "suspects": list(message.suspects),
            "raised": _iso(message.raised),
            "link": told.link,
            "answer": told.answer,
            "folded": message.folded,
        },
    }


def _iso(nanoseconds: int) -> str:
    return (
        datetime.fromtimestamp(nanoseconds / SECOND, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
