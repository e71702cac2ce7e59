"""ServiceNow: one incident per alert, found again by its correlation id, by the Table API."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from lineside.adapters.notifiers.posting import Poster, outcome_of
from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.delivery import Deferred, Delivered, Outcome, Refused
from lineside.domain.notifying.messages import Message, Occasion
from lineside.domain.notifying.routing import Target
from lineside.domain.notifying.wording import in_words, lines
from lineside.domain.plan.model import Priority
from lineside.domain.said import Tongue

_URGENCY = {Priority.CRITICAL: "1", Priority.HIGH: "2", Priority.ADVISORY: "3"}
_RESOLVED = "6"


class ServiceNowNotifier:
    """Creates an incident, or adds a note to the one that there is; closing the alert resolves it."""

    def __init__(self, target: Target, poster: Poster, secrets: Callable[[str], str], speak: Tongue) -> None:
        self._target, self._poster, self._secrets, self._speak = target, poster, secrets, speak

    async def deliver(self, message: Message) -> Outcome:
        """Bring the incident of an alert up to date."""
        options = self._target.options
        try:
            secret = self._secrets(options["secret"])
            known = await self._find(message, secret)
        except ConfigurationError as error:
            return Deferred(str(error))
        except (httpx.HTTPError, OSError) as error:
            return Deferred(f"cannot be reached: {type(error).__name__}")
        if isinstance(known, Deferred | Refused):
            return known
        if known:
            return await self._call("PATCH", f"/{known}", self._update(message), secret)
        return await self._call("POST", "", self._incident(message), secret)

    async def _find(self, message: Message, secret: str) -> str | Deferred | Refused:
        """Return the id of the alert's incident, ``""`` where there is none."""
        query = f"?sysparm_query=correlation_id={quote(message.alert, safe='')}&sysparm_fields=sys_id&sysparm_limit=1"
        url = f"{self._table}{query}"
        where = f"targets.{self._target.id}.url"
        headers = self._headers(secret)
        authority = self._target.options.get("authority", "")
        reply = await self._poster.send("GET", url, headers=headers, where=where, authority=authority)
        outcome = outcome_of(reply)
        if not isinstance(outcome, Delivered):
            return outcome
        try:
            found = json.loads(reply.body)["result"]
            return str(found[0]["sys_id"]) if found else ""
        except (ValueError, KeyError, IndexError, TypeError):
            return Deferred("its answer is not that of ServiceNow's Table API")

    async def _call(self, method: str, path: str, fields: Mapping[str, Any], secret: str) -> Outcome:
        return await self._poster.deliver(
            method,
            f"{self._table}{path}",
            json.dumps(fields, ensure_ascii=False).encode(),
            self._headers(secret),
            where=f"targets.{self._target.id}.url",
            authority=self._target.options.get("authority", ""),
        )

    def _incident(self, message: Message) -> dict[str, Any]:
        group = self._target.options.get("assignment_group", "")
        told = in_words(message, self._target.language, self._speak)
        return {
            "short_description": self._speak(told.title)[:160],
            "description": self._description(told),
            "urgency": _URGENCY[message.priority],
            "correlation_id": message.alert,
            "correlation_display": "Lineside",
            **({"assignment_group": group} if group else {}),
        }

    def _update(self, message: Message) -> dict[str, Any]:
        told = in_words(message, self._target.language, self._speak)
        title = self._speak(told.title)
        note = {"work_notes": f"{title}\n{self._description(told)}"}
        if message.occasion is not Occasion.CLOSED:
            return note
        return {**note, "state": _RESOLVED, "close_code": "Resolved by caller", "close_notes": title}

    def _description(self, told: Message) -> str:
        return "\n".join([*lines(told, self._speak), *([told.link] if told.link else [])])

    @property
    def _table(self) -> str:
        return f"{self._target.options['url'].rstrip('/')}/api/now/table/incident"

    def _headers(self, secret: str) -> dict[str, str]:
        basic = base64.b64encode(f"{self._target.options['user']}:{secret}".encode()).decode()
        return {"Authorization": f"Basic {basic}", "Content-Type": "application/json", "Accept": "application/json"}
