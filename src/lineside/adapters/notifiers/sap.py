"""SAP: a quality notification by an OData service whose path and fields are configuration, since landscapes differ.

``path`` is the service and its entity set, such as ``/sap/opu/odata/sap/API_QUALITYNOTIFICATION/QualityNotification``.
Options ``field.NAME`` say what goes into each field: a text with ``{title}``, ``{text}``, ``{step}``, ``{station}``,
``{characteristic}``, ``{priority}``, ``{suspects}``, ``{raised}``, ``{alert}``, ``{link}`` in it. ``correlation_field``
is the field that carries the alert's mark, by which its notification is found again: an alert makes one, whatever is
repeated.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import httpx

from lineside.adapters.notifiers.posting import Poster, Reply, outcome_of
from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.delivery import Deferred, Delivered, Outcome
from lineside.domain.notifying.messages import Message, Occasion
from lineside.domain.notifying.routing import Target
from lineside.domain.notifying.wording import in_words
from lineside.domain.said import Tongue

_MARK_LENGTH: Final = 20
"""Characters of the alert's mark: what the usual reference fields hold."""


class SapNotifier:
    """Creates a quality notification for an alert; what happens to it later is told to SAP by people."""

    def __init__(self, target: Target, poster: Poster, secrets: Callable[[str], str], speak: Tongue) -> None:
        self._target, self._poster, self._secrets, self._speak = target, poster, secrets, speak

    async def deliver(self, message: Message) -> Outcome:
        """Create the notification of an alert, unless it is there."""
        if message.occasion in {Occasion.CLEARED, Occasion.CLOSED}:
            return Delivered("nothing to create")
        try:
            return await self._create(message, self._secrets(self._target.options["secret"]))
        except ConfigurationError as error:
            return Deferred(str(error))
        except (httpx.HTTPError, OSError) as error:
            return Deferred(f"cannot be reached: {type(error).__name__}")

    async def _create(self, message: Message, secret: str) -> Outcome:
        field = self._target.options["correlation_field"]
        wanted = quote(f"{field} eq '{mark_of(message.alert)}'")
        query = f"$filter={wanted}&$top=1&$format=json"
        known = await self._send("GET", f"?{query}", secret, {"x-csrf-token": "fetch"})
        outcome = outcome_of(known)
        if not isinstance(outcome, Delivered):
            return outcome
        found = _results(known)
        if found is None:
            return Deferred("its answer is not that of an OData service")
        if found:
            return Delivered("it is there already")
        token, cookies = known.headers.get("x-csrf-token", ""), known.headers.get("set-cookie", "")
        headers = {"x-csrf-token": token, "Content-Type": "application/json"}
        headers |= {"Cookie": _cookie(cookies)} if cookies else {}
        reply = await self._send(
            "POST", "", secret, headers, json.dumps(self._fields(message), ensure_ascii=False).encode()
        )
        return outcome_of(reply)

    async def _send(self, method: str, query: str, secret: str, headers: dict[str, str], body: bytes = b"") -> Reply:
        options = self._target.options
        client = f"{'&' if query else '?'}sap-client={quote(options['client'])}" if options.get("client") else ""
        basic = base64.b64encode(f"{options['user']}:{secret}".encode()).decode()
        return await self._poster.send(
            method,
            f"{options['url'].rstrip('/')}{options['path']}{query}{client}",
            body=body,
            headers={"Authorization": f"Basic {basic}", "Accept": "application/json", **headers},
            where=f"targets.{self._target.id}.url",
            authority=options.get("authority", ""),
        )

    def _fields(self, message: Message) -> dict[str, str]:
        told = in_words(message, self._target.language, self._speak)
        words = {
            "title": self._speak(told.title), "text": told.text, "step": told.step, "station": told.station_label,
            "characteristic": told.characteristic_label, "priority": str(told.priority),
            "suspects": ", ".join(told.suspects), "raised": self._speak(told.since), "alert": told.alert,
            "link": told.link,
        }  # fmt: skip
        forms = {
            name.removeprefix("field."): form
            for name, form in self._target.options.items()
            if name.startswith("field.")
        }
        made = {name: _filled(form, words) for name, form in forms.items()}
        return {**made, self._target.options["correlation_field"]: mark_of(message.alert)}


def mark_of(alert: str) -> str:
    """Return the mark by which an alert's notification is found again."""
    return hashlib.sha256(alert.encode()).hexdigest()[:_MARK_LENGTH].upper()


def _filled(form: str, words: dict[str, str]) -> str:
    """Return a form with its words put in; braces within a word stay what they are."""
    return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), form)


def _results(reply: Reply) -> list[object] | None:
    """Return the entities of an answer of OData 2 or 4, None where it is none."""
    try:
        content = json.loads(reply.body)
        found = content["value"] if "value" in content else content["d"]["results"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, list) else None


def _cookie(said: str) -> str:
    """Return the cookies that an answer set, as a request sends them back."""
    pairs = (item.split(";", maxsplit=1)[0].strip() for item in said.replace(", ", "\n").splitlines())
    return "; ".join(pair for pair in pairs if "=" in pair)
