"""Plans in force for tests that are about what comes after their approval."""

from __future__ import annotations

from lineside.adapters.state_sql import SqlState
from lineside.apps.releasing import PLAN_PLACE, revision_of
from lineside.domain.access import AccessRole
from lineside.domain.releases.deciding import Act, Person, approve, promote, propose
from lineside.domain.releases.ladder import fold


async def put_in_force(state: SqlState, text: str) -> None:
    """Let three people propose, approve and put in force a plan; harmless where it is."""
    events, name = await state.ladder.all(), revision_of(text)
    before = len(events)
    if fold(events).of(name).rung == "in force":
        return
    acts = {who: Act(by=Person(pseudonym=who, role=AccessRole.ENGINEER), reason="as agreed", now=1) for who in "ABC"}
    events += propose(fold(events), name, PLAN_PLACE, acts["A"], "")
    for who in "BC":
        events += approve(fold(events), name, acts[who])
    events += promote(fold(events), name, PLAN_PLACE, acts["A"])
    await state.ladder.append(events[before:], after=before)
