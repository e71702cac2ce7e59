"""Asking a machine over HTTP: one GET at a time, with every limit that a stranger's answer needs.

What a machine sends is bounded in size while it arrives, redirects are not followed (an answer from elsewhere is not
the machine's), proxies of the environment are not used, and a server with ``https`` proves itself by the system's
authorities, by a given one, or by the very certificate that was pinned.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import httpx

from lineside.domain.errors import ConfigurationError

LARGEST_ANSWER: Final = 8 << 20
"""Bytes of an answer."""


class TooLargeError(Exception):
    """An answer was larger than `LARGEST_ANSWER`; ``raw`` is its beginning."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(f"larger than {LARGEST_ANSWER >> 20} MiB")
        self.raw = raw


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpOptions:
    """How a machine is asked, beyond its address.

    Args:
        timeout: seconds for connecting, and for each silence within an answer.
        username: name for basic authentication.
        password: its password; without a name the token of bearer authentication.
        headers: further headers.
        authority: file of the authority that the server's certificate must come from.
        pinned: file of the server's own certificate; then nothing else counts.
    """

    timeout: float = 5.0
    username: str = ""
    password: str = field(default="", repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    authority: Path | None = None
    pinned: Path | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a machine answered: the status, the headers by lower-case name, and the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes


class HttpConnection:
    """Connections to one machine, kept open between requests."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._client: httpx.AsyncClient | None = None

    def open(self) -> None:
        """Make ready to ask.

        Raises:
            ConfigurationError: a certificate's file cannot be used.
        """
        options = self._options
        headers = dict(options.headers)
        if options.password and not options.username:
            headers["Authorization"] = f"Bearer {options.password}"
        self._client = httpx.AsyncClient(
            auth=(options.username, options.password) if options.username else None,
            headers={"User-Agent": "lineside", **headers},
            timeout=options.timeout,
            verify=trust(options),
            follow_redirects=False,
            trust_env=False,
        )

    async def get(
        self, url: str, params: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Return the answer to a GET, of whatever status.

        Raises:
            ConnectionError: there is no whole answer.
            TooLargeError: it is larger than is taken.
        """
        assert self._client is not None
        try:
            async with self._client.stream("GET", _with(url, params), headers=headers) as response:
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > LARGEST_ANSWER:
                        raise TooLargeError(bytes(body[:4096]))
                return Answer(response.status_code, dict(response.headers), bytes(body))
        except httpx.TimeoutException as error:
            raise ConnectionError(f"no answer in {self._options.timeout:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def _with(url: str, params: dict[str, str] | None) -> str:
    """Return an address with a query added to its own; the library's own way of it costs a tenth of the request."""
    if not params:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"


def trust(options: HttpOptions) -> ssl.SSLContext:
    """Return what a server must prove by.

    Raises:
        ConfigurationError: a certificate's file cannot be used.
    """
    file = options.pinned or options.authority
    try:
        context = ssl.create_default_context(cafile=file)
    except OSError as error:
        raise ConfigurationError("a certificate's file cannot be used", value=str(file)) from error
    if options.pinned is not None:
        # The certificate itself is the identity, so that it need name neither an authority nor this address.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.check_hostname = False
    return context
