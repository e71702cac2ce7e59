"""The release ladder: where every model stands, what happened to it, and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from lineside.apps.plant.board.guard import Call
from lineside.apps.plant.board.rendering import page
from lineside.apps.plant.board.wording import refusal
from lineside.apps.plant.release_ladder import ReleaseLadder
from lineside.apps.releasing import is_revision, place_of
from lineside.apps.web.language import lazily, word
from lineside.domain.errors import ConfigurationError, InputError
from lineside.domain.readiness import Level, lacking
from lineside.domain.releases.canary import Canary
from lineside.domain.releases.deciding import Person
from lineside.domain.releases.ladder import PERSONS, Ladder, Standing
from lineside.domain.releases.table import Rung
from lineside.domain.said import say

NEXT: Final = lazily(
    {
        Rung.NONE: word("Make it a draft"),
        Rung.DRAFT: word("Put it in the shadow"),
        Rung.SHADOW: word("Make it a canary"),
        Rung.CANARY: word("Make it the champion"),
        Rung.RETIRED: word("Start again as a draft"),
        Rung.PROPOSED: word("Put it in force"),
        Rung.WITHDRAWN: word("Propose it again"),
    }
)
"""The step upwards from each rung, as its button says it."""
CONCEDE: Final = "concede "
"""What the name of a box begins with that lets a release off the service level named behind it."""
_APPROVED: Final = frozenset({Rung.SHADOW, Rung.CANARY, Rung.PROPOSED})
_RETIRES: Final = frozenset({Rung.DRAFT, Rung.SHADOW, Rung.CANARY, Rung.PROPOSED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One release as the page shows it; ``back`` is whether it is what a rollback takes away."""

    standing: Standing
    short: str
    off: bool
    back: bool
    levels: tuple[Level, ...] = ()
    lacks: frozenset[str] = frozenset()

    @property
    def concedable(self) -> tuple[Level, ...]:
        """The service levels that its next step lacks and two persons can let off."""
        return tuple(level for level in self.levels if level.name in self.lacks and level.concedable)

    @property
    def by_concession(self) -> bool:
        """Whether it is ready for the next step by concession alone."""
        return bool(self.lacks) and len(self.concedable) == len(self.lacks)

    @property
    def revision(self) -> bool:
        """Whether it is one of the plan, not a model."""
        return is_revision(self.short)

    @property
    def changes(self) -> str:
        """What a revision of the plan changes, in words."""
        return next((event.detail["changes"] for event in self.standing.history if "changes" in event.detail), "")

    @property
    def wants_approval(self) -> bool:
        """Whether its next step needs persons."""
        return self.standing.rung in _APPROVED

    @property
    def may_retire(self) -> bool:
        """Whether it can be taken off the ladder."""
        return self.standing.rung in _RETIRES


async def releases(call: Call) -> Response:
    """Show every release; of the one that is asked for, whether it is ready."""
    return await _page(call)


async def step(call: Call) -> Response:
    """Take a step, and show where everything stands then; what is refused says why."""
    ladder = _ladder(call)
    if ladder is None:
        raise HTTPException(404)
    account = call.visitor.account
    try:
        await _take(ladder, call.form, Person(pseudonym=account.pseudonym, role=account.role))
    except (InputError, ConfigurationError) as error:
        return await _page(call, status=422, problem=refusal(error))
    return RedirectResponse("/releases", status_code=303)


async def _take(ladder: ReleaseLadder, form: dict[str, str], person: Person) -> None:
    what, release, reason = form.get("do", ""), form.get("release", ""), form.get("reason", "")
    if what == "promote":
        await ladder.promote(release, person, reason, _canary(form.get("share", "")))
    elif what == "approve":
        await ladder.approve(release, person, reason, _conceded(form))
    elif what == "retire":
        await ladder.retire(release, person, reason)
    elif what == "back":
        await ladder.roll_back(place_of(await ladder.bundle(release)), person, reason)
    else:
        raise HTTPException(422)


def _canary(percent: str) -> Canary | None:
    """Return the canary of a share in percent, None where none is given."""
    if not percent.strip():
        return None
    try:
        share = float(percent.replace(",", "."))
    except ValueError as error:
        raise InputError(
            say("this is not a number"), field="share", value=percent, choices=("percent of the parts",)
        ) from error
    return Canary(share=share / 100.0)


def _conceded(form: dict[str, str]) -> tuple[str, ...]:
    """Return the service levels whose boxes are ticked."""
    return tuple(name.removeprefix(CONCEDE) for name in form if name.startswith(CONCEDE))


def _ladder(call: Call) -> ReleaseLadder | None:
    make = call.board.settings.ladder
    return None if make is None else make(call.board.state, call.board.audit)


async def _page(call: Call, *, status: int = 200, problem: str = "") -> Response:
    ladder = _ladder(call)
    rows = () if ladder is None else await _rows(ladder, call.request.query_params.get("ready", ""))
    return page(
        call.board,
        call.who,
        "releases.html",
        status=status,
        rows=rows,
        problem=problem,
        steps=NEXT,
        persons=PERSONS,
        concede=CONCEDE,
    )


async def _rows(ladder: ReleaseLadder, asked: str) -> tuple[Row, ...]:
    """Return the rows, what judges first, then the newest; a report is made for the release that is asked for."""
    now, off, kept = await ladder.ladder(), await ladder.off_the_ladder(), await ladder.kept()
    rows = []
    for bundle in kept:
        standing, short = now.of(bundle.name, place_of(bundle)), bundle.name.partition("+")[0]
        levels = await ladder.levels(bundle) if asked == short else ()
        lacks = frozenset(lacking(levels, served=standing.rung is not Rung.SHADOW))
        rows.append(
            Row(
                standing=standing,
                short=short,
                off=bundle.name in off,
                back=_goes_back(now, standing),
                levels=levels,
                lacks=lacks,
            )
        )
    plans = [item for item in now.standings.values() if is_revision(item.release)]
    rows += [Row(standing=item, short=item.release, off=False, back=False) for item in plans]
    first = {Rung.CHAMPION: 0, Rung.CANARY: 1, Rung.SHADOW: 2, Rung.DRAFT: 3, Rung.NONE: 4, Rung.RETIRED: 5}
    first |= {Rung.PROPOSED: -2, Rung.IN_FORCE: -1, Rung.WITHDRAWN: 6}
    return tuple(sorted(rows, key=lambda row: (row.standing.place, first[row.standing.rung])))


def _goes_back(ladder: Ladder, standing: Standing) -> bool:
    if standing.rung is Rung.CANARY:
        return True
    trying = ladder.at(standing.place, Rung.CANARY)
    return standing.rung is Rung.CHAMPION and not trying and bool(ladder.before.get(standing.place))
