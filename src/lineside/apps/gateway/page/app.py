"""The gateway's page as an ASGI application: one page, one piece of it that is renewed, one form.

It shows and takes one answer: that somebody has seen an alert. There are no accounts at a gateway, so the answer says
that it was given at the machine, and everything else waits for the plant.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from lineside import __version__
from lineside.apps.gateway.local_floor import LocalFloor
from lineside.apps.web import words
from lineside.apps.web.armour import Armour
from lineside.apps.web.files import file_response, page_files
from lineside.apps.web.language import choose, know_plan, language, lazily, plan_text, speak, tr, word
from lineside.apps.web.requests import is_ours, parse_form, read_body
from lineside.apps.web.template_words import TemplateWords
from lineside.domain.alerts import Alert
from lineside.domain.errors import StorageError
from lineside.domain.plan.model import Plan
from lineside.ports import Clock
from lineside.wire.status import GatewayStatus

HERE: Final = Path(__file__).parent
MOST_BODY: Final = 4_096
_STATES: Final = lazily(
    {
        "normal": word("normal"),
        "alarm": word("above the limit"),
        "outside_experience": word("outside experience"),
        "warming_up": word("learning"),
        "bad_data": word("data not good enough to judge"),
    }
)

PRIORITIES: Final = lazily({"critical": word("Critical"), "high": word("High"), "advisory": word("Advisory")})

Acknowledge = Callable[[Alert], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalPage:
    """What the page shows and whom it tells: ``acknowledge`` returns once the answer is durable.

    ``hosts`` are the names under which a browser may ask.
    """

    plan: Plan
    clock: Clock
    floor: LocalFloor
    status: Callable[[], GatewayStatus]
    acknowledge: Acknowledge
    hosts: frozenset[str]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    templates: Environment = field(init=False)

    def __post_init__(self) -> None:
        """Read the templates."""
        object.__setattr__(self, "templates", _templates())

    async def show(self, request: Request) -> Response:
        """Show everything."""
        return self._page(request, "local.html")

    async def renew(self, request: Request) -> Response:
        """Return what changes, for the script to put in place."""
        return self._page(request, "local_live.html")

    async def take(self, request: Request) -> Response:
        """Acknowledge an alert, and show the page again once that is durable."""
        self._receive(request)
        form = parse_form(await read_body(request, MOST_BODY))
        if not is_ours(request, ()) or not secrets.compare_digest(form.get("token", ""), self.token):
            raise HTTPException(403, tr("Reload the page and try again."))
        alert = self.floor.alert(form.get("alert", ""))
        if alert is None:
            raise HTTPException(404, tr("There is no such alert here."))
        if not alert.acknowledged:
            try:
                await self.acknowledge(alert)
            except StorageError as error:
                raise HTTPException(503, tr("The disk did not take it, so it did not happen. Try again.")) from error
        return RedirectResponse("/", status_code=303)

    async def file(self, request: Request) -> Response:
        """Return one of the page's files."""
        found = file_response(_FILES, request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return found

    def _page(self, request: Request, template: str) -> Response:
        self._receive(request)
        know_plan(self.plan.words)
        now, status = self.clock.now(), self.status()
        html = self.templates.get_template(template).render(
            line=plan_text(self.plan.line.label),
            lang=language(),
            zone=self.plan.line.timezone,
            now=now,
            token=self.token,
            status=status,
            away=next((item for item in status.healths if item.subject == "link" and item.level), None),
            alerts=[self._card(alert, now) for alert in self.floor.open_alerts(now)],
            parts=self.floor.parts,
            state_words=lambda state: tr(_STATES.get(state, state)),
            station_name=lambda name: plan_text(self.plan.station(name).label),
            characteristic_name=self._characteristic,
        )
        return HTMLResponse(html)

    def _card(self, alert: Alert, now: int) -> dict[str, Any]:
        done = self.floor.steps_done(alert)
        steps = [(number, step) for number, step in enumerate(self.floor.steps(alert), 1) if number not in done]
        return {
            "id": alert.id,
            "raised": alert.raised,
            "station": alert.station,
            "characteristic": alert.characteristic,
            "active": alert.active,
            "acknowledged": alert.acknowledged,
            "state": alert.state(now).value,
            "step": steps[0] if steps else None,
            "suspects": alert.suspects,
        }

    def _characteristic(self, name: str) -> str:
        return plan_text(next((item.label for item in self.plan.characteristics if item.id == name), name))

    def _receive(self, request: Request) -> None:
        """Speak the line's language, else the browser's; refuse a request that came by another name.

        Another site's name may have been pointed here.
        """
        speak(choose(self.plan.line.language or "", accept=request.headers.get("accept-language", "")))
        if request.headers.get("host", "") not in self.hosts:
            raise HTTPException(403, tr("This page is not known by that name."))


def local_app(page: LocalPage) -> Starlette:
    """Return the page as an ASGI application."""
    return Starlette(
        routes=[
            Route("/", page.show),
            Route("/live", page.renew),
            Route("/acknowledge", page.take, methods=["POST"]),
            Route("/static/{name}", page.file),
        ],
        middleware=[Middleware(Armour, secure=False)],
        exception_handlers={HTTPException: _say},
    )


async def _say(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", status_code=error.status_code)


def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        extensions=[TemplateWords],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"age": words.age, "when": words.when, "number": words.number, "clock_time": words.clock_time}
    templates.filters |= {"planned": plan_text, "recorded": words.recorded}
    templates.globals |= {"version": __version__, "PRIORITIES": PRIORITIES}
    return templates


_FILES: Final = page_files(HERE / "static")
