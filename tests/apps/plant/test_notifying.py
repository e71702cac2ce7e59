"""What the plant tells of the alerts on its floor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lineside.adapters.notifiers.targets_file import load_notifying
from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.apps.plant.floor.views import Card
from lineside.apps.plant.notifying import AlertTeller
from lineside.domain.alerts import AlertKind, Verdict
from lineside.domain.errors import ConfigurationError, StorageError
from lineside.domain.notifying.messages import Message, Occasion
from lineside.domain.said import Language
from lineside.domain.units import HOUR, MINUTE
from lineside.flows.notify import Teller
from lineside.testing.clocks import ManualClock
from lineside.testing.conformance.notifier import message
from lineside.testing.floors import ALERT, alert_event, busy_floor, sample_plan
from lineside.testing.peers.endpoints import Response, endpoint

PLAN = sample_plan()


def telling(board: str = "https://board.example") -> tuple[AlertTeller, int]:
    busy = busy_floor()

    async def audit(kind: str, content: object) -> None:
        del kind, content

    class Nowhere:
        """A queue of a line that tells nobody."""

    teller = Teller(queue=Nowhere(), targets={}, clock=ManualClock(), holder="x", audit=audit)  # type: ignore[arg-type]
    return AlertTeller(floor=busy.floor, teller=teller, clock=ManualClock(), board=board), busy.now


def told(watcher: AlertTeller, now: int) -> dict[Occasion, Message]:
    return {item.occasion: item for item in watcher.messages(watcher.floor.alerts(now), now) if item.alert == ALERT}


def test_an_alert_is_told_to_its_owner_with_step_and_suspects_and_a_link() -> None:
    watcher, now = telling()
    raised = told(watcher, now)[Occasion.RAISED]
    assert raised.role == "operator"
    assert raised.step.startswith("Open cooling valve V3")
    assert raised.link == f"https://board.example/alerts/{ALERT}"
    assert raised.id == f"{ALERT}#raised"


def test_an_alert_that_nobody_takes_goes_to_the_next_in_the_plan() -> None:
    watcher, now = telling()
    later = now + HOUR
    escalated = told(watcher, later)[Occasion.ESCALATED]
    assert escalated.role in {step.to for reaction in PLAN.reactions for step in reaction.escalation}
    watcher.floor.apply_alerts([alert_event(AlertKind.TAKEN, now, by="operator K7")], shown=True)
    assert Occasion.ESCALATED not in told(watcher, later)


def test_what_is_put_off_is_not_told() -> None:
    watcher, now = telling()
    watcher.floor.apply_alerts([alert_event(AlertKind.SHELVED, now, until=now + HOUR)], shown=True)
    assert told(watcher, now + MINUTE) == {}


def test_closing_is_told_and_an_old_alert_is_not() -> None:
    watcher, now = telling()
    watcher.floor.apply_alerts([alert_event(AlertKind.CLOSED, now, verdict=Verdict.CONFIRMED)], shown=True)
    assert set(told(watcher, now)) == {Occasion.CLOSED}
    assert told(watcher, now + 13 * HOUR) == {}


FILE = """
board: https://board.example
inside: [10.1.0.0/16]
targets:
  - id: shift
    kind: teams
    url_secret: teams_shift
    when: {priorities: [critical], notices: [interrupt, advise]}
  - {id: mail, kind: email, host: mail.example, from: a@b.example, to: c@d.example, per_minute: 5}
"""


def test_the_file_of_targets_says_who_is_told_what(tmp_path: Path) -> None:
    path = tmp_path / "notify.yaml"
    path.write_text(FILE, encoding="utf-8")
    found = load_notifying(path, PLAN)
    assert [target.id for target in found.targets] == ["shift", "mail"]
    assert found.targets[0].route.priorities == ("critical",)
    assert load_notifying(tmp_path / "none.yaml", PLAN).targets == ()


def test_a_target_is_told_in_its_language_else_in_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "notify.yaml"
    path.write_text(FILE.replace("kind: teams", "kind: teams\n    language: pt"), encoding="utf-8")
    german = PLAN.model_copy(update={"line": PLAN.line.model_copy(update={"language": Language.GERMAN})})
    assert [target.language for target in load_notifying(path, PLAN).targets] == ["pt", "en"]
    assert [target.language for target in load_notifying(path, german).targets] == ["pt", "de"]
    path.write_text(FILE.replace("kind: teams", "kind: teams\n    language: fr"), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_notifying(path, PLAN)
    assert caught.value.choices == ("en", "de", "es", "zh", "pt")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("kind: teams", "kind: pigeon", "targets[0].kind"),
        ("url_secret: teams_shift", "url: https://x.example", "targets[0].url_secret"),
        ("priorities: [critical]", "priorities: [urgent]", "targets[0].when.priorities"),
        ("priorities: [critical]", "priority: [critical]", "targets[0].when.priority"),
        ("10.1.0.0/16", "everything", "inside[0]"),
        ("id: shift", "id: Shift!", "targets[0].id"),
        ("id: mail", "id: shift", "targets[1].id"),
        ("per_minute: 5", "per_minute: 0", "targets[1].per_minute"),
        ("per_minute: 5", "language: fr", "targets[1].language"),
        ("host: mail.example", "hots: mail.example", "targets[1].host"),
        ("board: https://board.example", "board: javascript:alert(1)", "board"),
        ("targets:", "target:", "target"),
    ],
)
def test_a_mistake_in_the_file_is_named_by_its_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    path = tmp_path / "notify.yaml"
    path.write_text(FILE.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_notifying(path, PLAN)
    assert caught.value.field == field


SENDER = """
import asyncio, sys
from lineside.adapters.clocks import SystemClock
from lineside.adapters.notifiers import notifier_for
from lineside.adapters.notifiers.posting import Poster
from lineside.adapters.state_sql import open_state, sqlite_url
from lineside.domain.notifying.routing import Channel, Target
from lineside.flows.notify import Teller
from pathlib import Path

async def audit(kind, content):
    print(kind, flush=True)

async def main(path, url):
    target = Target(id="hook", channel=Channel.TEAMS, options={"url_secret": "x"}, per_minute=600)
    notifier = notifier_for(target, Poster(inside=("127.0.0.0/8",)), lambda _: url, str)
    state = open_state(sqlite_url(Path(path)))
    targets, holder = {"hook": (target, notifier)}, sys.argv[3]
    await Teller(queue=state.deliveries, targets=targets, clock=SystemClock(), holder=holder, audit=audit).run()

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


async def test_a_sender_that_is_killed_loses_nothing_and_the_next_takes_over(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = open_state(sqlite_url(path))
    async with endpoint() as server:
        server.planned = [Response(never=True)]
        await state.deliveries.add("hook", message(1), 1)
        await state.deliveries.add("hook", message(2), 2)
        first = _sender(path, server.url, "first")
        await _until(lambda: not server.planned)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert server.got == []
        second = _sender(path, server.url, "second")
        try:
            await _until(lambda: len(server.got) == 2, within=40)
        finally:
            second.terminate()
            second.wait()
    assert "Porosity" in server.got[0].body.decode()


def _sender(path: Path, url: str, holder: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SENDER, str(path), f"{url}/flow", holder])


async def _until(holds, within: float = 30) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.02)


class Heard(Teller):
    """Remembers what it is told; fails as often as it is asked to."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.awaited: dict[str, asyncio.Event] = {}
        self.failing = 0

    async def tell(self, message: Message) -> int:
        if self.failing:
            self.failing -= 1
            raise StorageError("the disk is full")
        self.told.append(message.id)
        if (waiting := self.awaited.get(message.id)) is not None:
            waiting.set()
        return 1

    async def record(self, message: Message) -> None:
        pass


def watched(now: int) -> tuple[AlertTeller, Heard, ManualClock, list[str]]:
    """Return who watches a busy floor at a time, what hears it, its clock, and the cards that were made."""
    busy, heard, clock, made = busy_floor(), Heard(), ManualClock(now), list[str]()
    watcher = AlertTeller(floor=busy.floor, teller=heard, clock=clock)
    of_one, of_all = busy.floor.card, busy.floor.alerts

    def card(alert_id: str, at: int) -> Card | None:
        made.append(alert_id)
        return of_one(alert_id, at)

    def alerts(at: int, **which: int) -> tuple[Card, ...]:
        cards = of_all(at, **which)  # type: ignore[arg-type]
        made.extend(item.id for item in cards)
        return cards

    busy.floor.card, busy.floor.alerts = card, alerts  # type: ignore[method-assign,assignment]
    return watcher, heard, clock, made


async def test_what_has_not_changed_is_not_looked_at_again() -> None:
    watcher, heard, _, made = watched(busy_floor().now)
    await watcher.look()
    assert f"{ALERT}#raised" in heard.told
    told, made[:] = list(heard.told), []
    await watcher.look()
    assert heard.told == told
    assert made == []


async def test_what_is_due_goes_to_the_next_without_any_change() -> None:
    watcher, heard, clock, made = watched(busy_floor().now)
    await watcher.look()
    made.clear()
    clock.move(HOUR)
    await watcher.look()
    assert f"{ALERT}#escalated@1" in heard.told
    assert ALERT in made
    assert len(heard.told) == len(set(heard.told))


async def test_what_could_not_be_kept_is_told_at_the_next_look() -> None:
    watcher, heard, _, _ = watched(busy_floor().now)
    heard.failing = 1
    with pytest.raises(StorageError):
        await watcher.look()
    await watcher.look()
    assert f"{ALERT}#raised" in heard.told
    assert len(heard.told) == len(set(heard.told))


async def test_a_change_is_looked_at_though_everything_had_been_told() -> None:
    watcher, heard, clock, made = watched(busy_floor().now)
    raised, cleared = (heard.awaited.setdefault(f"{ALERT}#{what}", asyncio.Event()) for what in ("raised", "cleared"))
    running = asyncio.create_task(watcher.run())
    await raised.wait()
    await asyncio.sleep(0)  # the look that told of it ends
    made.clear()
    watcher.floor.apply_alerts([alert_event(AlertKind.CLEARED, clock.now())], shown=True)
    await cleared.wait()
    running.cancel()
    assert set(made) == {ALERT}
