"""What may come in: bodies of bounded size within bounded time, from our own pages, with a token.

A request that changes something must show that it comes from the board itself (ASVS 5.0, 3.5): where the browser
says its origin it must be ours, and the form must carry a token that only our pages know.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from lineside.adapters.http_serving import RECEIPT

_MOST_FIELDS: Final = 50
_TRUSTED_SITES: Final = frozenset({"same-origin", "none"})


async def read_body(request: Request, most: int) -> bytes:
    """Return the body.

    Raises:
        HTTPException: it is too large (413) or does not arrive in time (408).
    """
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > most:
        raise HTTPException(413)
    body = bytearray()
    try:
        async with asyncio.timeout(RECEIPT):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise HTTPException(413)
    except TimeoutError as error:
        raise HTTPException(408) from error
    return bytes(body)


def parse_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form; of several with one name the last counts.

    Raises:
        HTTPException: it is not a form (400).
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise HTTPException(400) from error
    if any("\0" in value for _, value in pairs):
        raise HTTPException(400)
    return dict(pairs)


def parse_json(body: bytes, kind: type[Any]) -> Any:
    """Return what a JSON body holds.

    Raises:
        HTTPException: it is not what the interface asks for (422), with what is wrong.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(422, detail=str(error)) from error


def is_ours(request: Request, hosts: tuple[str, ...]) -> bool:
    """Return whether a request comes from one of our own pages, as far as the browser says."""
    if request.headers.get("sec-fetch-site", "same-origin") not in _TRUSTED_SITES:
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    parts = urlsplit(origin)
    allowed = hosts or (request.headers.get("host", ""),)
    return parts.scheme == request.url.scheme and parts.netloc in allowed


def own_path(path: str) -> str:
    """Return a path to go to if it is one of ours, else the overview."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if plain else "/"


def address_of(request: Request) -> str:
    """Return where a request came from; what a proxy claims is not believed."""
    return "" if request.client is None else request.client.host
