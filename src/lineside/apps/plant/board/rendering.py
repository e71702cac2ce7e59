"""Pages out of templates: everything is escaped, and what a template misses is an error, not a blank."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from lineside import __version__
from lineside.apps.plant.board import charts, wording
from lineside.apps.plant.board.context import Board, Visitor
from lineside.apps.plant.board.plotting import chart_source, plot_attributes, plot_source
from lineside.apps.plant.board.tokens import new_secret
from lineside.apps.plant.floor.labels import characteristic_label, signal_label, station_label
from lineside.apps.plant.floor.reactions import cause_label
from lineside.apps.web.language import LANGUAGES, know_plan, language, plan_text, tr
from lineside.apps.web.template_words import TemplateWords
from lineside.domain.access import ADMINS, ENGINEERS
from lineside.domain.coverage.plots import condition_plot, pair_plot

HERE: Final = Path(__file__).parent


def make_templates() -> Environment:
    """Return the environment of the templates."""
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        extensions=[TemplateWords],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "age": wording.age,
        "clock_time": wording.clock_time,
        "date_time": wording.date_time,
        "number": wording.number,
        "percent": wording.percent,
        "quantity": wording.quantity,
        "when": wording.when,
        "unit_name": wording.unit_name,
        "likelihood": wording.likelihood,
        "trust_words": wording.trust_words,
        "serials": wording.serials,
        "capitalised": wording.capitalised,
        "notice_words": wording.notice_words,
        "said": wording.said,
        "planned": plan_text,
        "exactly": wording.exactly,
        "sentence": wording.sentence,
        "recorded": wording.recorded,
    }
    templates.globals |= {
        "span": wording.span,
        "CONDITIONS": wording.CONDITIONS,
        "VERDICTS": wording.VERDICTS,
        "PRIORITIES": wording.PRIORITIES,
        "STATES": wording.STATES,
        "strong": wording.strong,
        "offline_age": wording.OFFLINE_AGE,
        "script_count": wording.SCRIPT_COUNT,
        "PRIORITY_MARKS": wording.PRIORITY_MARKS,
        "tile_chart": charts.tile_chart,
        "card_chart": charts.card_chart,
        "trace_chart": charts.trace_chart,
        "part_path": part_path,
        "plot_attributes": plot_attributes,
        "plot_source": plot_source,
        "chart_source": chart_source,
        "condition_plot": partial(condition_plot, tongue=wording.in_plots),
        "pair_plot": partial(pair_plot, tongue=wording.in_plots),
        "version": __version__,
    }
    return templates


def part_path(station: str, cycle_id: str, unit: str) -> str:
    """Return the path of a part's page."""
    return f"/parts/{quote(station, safe='')}/{quote(cycle_id, safe='')}?unit={quote(unit, safe='')}"


def fragment(board: Board, template: str, **values: Any) -> str:
    """Return a piece of a page that is the same for everybody."""
    return board.templates.get_template(template).render(**_common(board), **values)


def page(board: Board, visitor: Visitor | None, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a whole page for somebody, or for a stranger."""
    role = None if visitor is None else visitor.account.role
    html = board.templates.get_template(template).render(
        **_common(board),
        visitor=visitor,
        token="" if visitor is None else visitor.token,
        once=new_secret()[:16],
        may_engineer=role in ENGINEERS,
        may_administer=role in ADMINS,
        budget=board.floor.budget(board.now()) if visitor is not None else None,
        links=board.floor.links() if visitor is not None else (),
        newest=board.floor.newest(),
        changes=board.broadcast.version,
        **values,
    )
    return HTMLResponse(html, status_code=status)


def _common(board: Board) -> dict[str, Any]:
    plan = board.floor.plan
    know_plan(plan.words)
    return {
        "line": plan_text(plan.line.label),
        "lang": language(),
        "languages": LANGUAGES,
        "script_words": wording.script_words(),
        "zone": plan.line.timezone,
        "now": board.now(),
        "demo": board.settings.demo,
        "files": board.settings.plan_files,
        "station_name": lambda name: plan_text(station_label(plan, name)),
        "characteristic_name": lambda name: plan_text(characteristic_label(plan, name)),
        "cause_name": lambda characteristic, cause: tr(plan_text(cause_label(plan, characteristic, cause))),
        "signal_name": lambda name: plan_text(signal_label(plan, name)),
    }
