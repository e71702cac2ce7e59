"""A browser without a screen: follows the forms of the board as its pages write them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import httpx

from lineside.testing.boards import PASSWORD, Bench

ORIGIN = "http://board.test"


class BoardClient(httpx.AsyncClient):
    """Speaks to the application without a network; forms get the token and the origin of their page."""

    async def send_form(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open a page, and send the form of this action as a browser would."""
        shown = await self.get(page)
        hidden = hidden_of(shown.text, action, set(fields))
        return await self.post(action, data={**hidden, **fields}, headers={"Origin": ORIGIN})

    async def log_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Log in by the login page."""
        return await self.send_form("/login", "/login", name=name, password=password)


def hidden_of(html: str, action: str, names: set[str]) -> dict[str, str]:
    """Return the hidden fields of the form that sends to an action and has most of the fields of these names."""
    forms = re.findall(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", html, re.DOTALL)
    bodies = [content for target, content in forms if unescape(target) == action]
    body = max(bodies, key=lambda content: sum(f'name="{name}"' in content for name in names))
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', body)
    return {name: unescape(value) for name, value in pairs}


@asynccontextmanager
async def client_of(bench: Bench, address: str = "10.0.0.5") -> AsyncIterator[BoardClient]:
    """A client of the application while it runs."""
    transport = httpx.ASGITransport(app=bench.app, client=(address, 40000), raise_app_exceptions=False)
    async with (
        bench.app.router.lifespan_context(bench.app),
        BoardClient(transport=transport, base_url=ORIGIN) as client,
    ):
        yield client
