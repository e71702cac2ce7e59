"""Sending over HTTP to where an administrator said, and nowhere else.

A name is resolved once; the connection goes to that address; certificates are checked against the name; redirects and
the environment's proxies are not followed; an answer is read up to a bound.
"""

from __future__ import annotations

import asyncio
import email.utils
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.addresses import chosen_address, parse_target
from lineside.domain.notifying.delivery import Deferred, Delivered, Outcome, Refused
from lineside.domain.notifying.messages import Message
from lineside.domain.notifying.routing import Target
from lineside.domain.notifying.wording import in_words
from lineside.domain.said import Tongue
from lineside.domain.units import SECOND

LARGEST_ANSWER: Final = 1 << 20
TIMEOUT: Final = 15.0
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a target answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def resolve(host: str, port: int) -> list[str]:
    """Return every address that a name has."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


@dataclass(frozen=True, kw_only=True, slots=True)
class Poster:
    """Sends requests; ``inside`` are the addresses within the plant that may be reached."""

    inside: tuple[str, ...] = ()
    resolve: Resolve = resolve
    timeout: float = TIMEOUT
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    async def send(
        self,
        method: str,
        url: str,
        *,
        where: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        authority: str = "",
    ) -> Reply:
        """Send a request and return the answer.

        Raises:
            ConfigurationError: the address may not be reached.
            httpx.HTTPError: nothing came of it.
        """
        parts = parse_target(url, self.inside, field=where)
        assert parts.hostname is not None
        encrypted = parts.scheme == "https"
        port = parts.port or (443 if encrypted else 80)
        try:
            found = await self.resolve(parts.hostname, port)
        except OSError as error:
            raise httpx.ConnectError("the name cannot be resolved") from error
        address = chosen_address(found, self.inside, encrypted=encrypted, field=where)
        pinned = httpx.URL(url).copy_with(host=address, port=port)
        context = ssl.create_default_context(cafile=authority or None)
        async with (
            httpx.AsyncClient(verify=context, timeout=self.timeout, trust_env=False, follow_redirects=False) as client,
            client.stream(
                method,
                pinned,
                content=body,
                headers={"Host": parts.netloc, "User-Agent": "lineside", **(headers or {})},
                extensions={"sni_hostname": parts.hostname},
            ) as answer,
        ):
            received = b""
            async for piece in answer.aiter_bytes():
                received += piece
                if len(received) > LARGEST_ANSWER:
                    break
            return Reply(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, received)

    async def deliver(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], *, where: str, authority: str = ""
    ) -> Outcome:
        """Send a request and say what became of it."""
        try:
            reply = await self.send(method, url, body=body, headers=headers, where=where, authority=authority)
        except ConfigurationError as error:
            return Refused(str(error))
        except (httpx.HTTPError, ssl.SSLError, OSError) as error:
            return Deferred(f"cannot be reached: {type(error).__name__}")
        return outcome_of(reply)


def outcome_of(reply: Reply) -> Outcome:
    """Return what an answer means: taken, later, or never."""
    status = reply.status
    if 200 <= status < 300:
        return Delivered(reply.headers.get("location", ""))
    if status in {401, 403}:
        return Deferred(f"it answered {status}: the secret is not (or no longer) right")
    if status in {408, 425, 429} or status >= 500:
        return Deferred(f"it answered {status}", _pause(reply.headers.get("retry-after", "")))
    if 300 <= status < 400:
        return Refused(f"it answered {status}: redirects are not followed; correct the address")
    return Refused(f"it answered {status}")


def _pause(said: str) -> int:
    """Return the pause that Retry-After asks for, in seconds or as a date; 0 where it asks for none."""
    if said.strip().isdigit():
        return int(said) * SECOND
    try:
        until = email.utils.parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return 0
    return max(0, round((until.timestamp() - time.time()) * SECOND))


class ChatNotifier:
    """Posts a message into a channel whose whole address is a secret; ``body`` gives it the channel's form."""

    def __init__(
        self,
        target: Target,
        poster: Poster,
        secrets: Callable[[str], str],
        speak: Tongue,
        body: Callable[[Message, Tongue], bytes],
    ) -> None:
        self._target, self._poster, self._secrets, self._speak, self._body = target, poster, secrets, speak, body

    async def deliver(self, message: Message) -> Outcome:
        """Post a message."""
        options = self._target.options
        try:
            url = self._secrets(options["url_secret"])
        except ConfigurationError as error:
            return Deferred(str(error))
        headers = {"Content-Type": "application/json"}
        where, authority = f"targets.{self._target.id}.url_secret", options.get("authority", "")
        body = self._body(in_words(message, self._target.language, self._speak), self._speak)
        return await self._poster.deliver("POST", url, body, headers, where=where, authority=authority)
