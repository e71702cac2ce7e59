"""A whole board for tests and pictures: the real application over a real state file, in this process.

As a script (``python -m lineside.testing.boards``) it serves the busy floor on loopback and prints where to log in.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
import numpy as np
from argon2 import PasswordHasher
from starlette.applications import Starlette

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.http_serving import RECEIPT
from lineside.adapters.state_sql import SqlState, open_state, sqlite_url
from lineside.apps.plant.board import BoardSettings, Demo, Fault, create_app
from lineside.apps.plant.board.doorkeeper import issue_code, new_account
from lineside.apps.plant.board.passwords import Passwords
from lineside.apps.plant.board.serving import serve_board
from lineside.apps.plant.coverages import CoverageView
from lineside.apps.plant.floor import Floor
from lineside.apps.plant.release_ladder import ReleaseLadder
from lineside.apps.plant.watching import Watched
from lineside.domain.access import AccessRole, Account, CodePurpose
from lineside.domain.alerts import AlertEvent
from lineside.domain.coverage.facts import coverage_of
from lineside.domain.coverage.gaps import findings
from lineside.domain.drift.check import check_window
from lineside.domain.drift.reference import summarise
from lineside.domain.drift.report import DriftReport
from lineside.domain.features.recipe import recipe_for
from lineside.domain.performance.measured import Share
from lineside.domain.performance.report import performance
from lineside.domain.performance.values import ExpectedValues
from lineside.domain.plan.digest import judging_digest
from lineside.domain.readiness import HeldOut, Level, Lived, readiness
from lineside.domain.readings import Float64
from lineside.domain.said import say
from lineside.domain.sensors.naming import SensorFinding
from lineside.domain.units import MINUTE
from lineside.ports import AuditLog
from lineside.testing.clocks import ManualClock
from lineside.testing.conformance.registry import some_bundle
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.floors import busy_floor, sample_files, sample_plan
from lineside.testing.judged_parts import made_of
from lineside.wire.bundle import seal
from lineside.wire.signed import Signer

_T = TypeVar("_T")

PASSWORD = "cedar kettle plum orbit"  # noqa: S105 - of accounts that live as long as a test


@dataclass(slots=True)
class Bench:
    """A board with everything that a test may want to reach."""

    app: Starlette
    floor: Floor
    state: SqlState
    audit: FakeAudit
    clock: ManualClock
    answers: list[AlertEvent]

    def actions(self) -> list[str]:
        """Return what the audit record says was done, in order."""
        return [entry.action for entry in self.audit.kept]

    async def account(self, role: AccessRole, name: str = "") -> Account:
        """Add an account with the common password and return it."""
        account = new_account(name or role.value, role, self.clock.now())
        account = replace(account, password=await cheap_passwords().hash(PASSWORD))
        await self.state.accounts.add(account)
        return account

    async def code(self, purpose: CodePurpose, account_id: str = "") -> str:
        """Return a one-time code."""
        return await issue_code(self.state, self.clock.now(), purpose=purpose, account_id=account_id)


def cheap_passwords() -> Passwords:
    """Return hashing that takes a millisecond: for tests that are about something else."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def make_bench(
    folder: Path,
    *,
    floor: Floor | None = None,
    settings: BoardSettings | None = None,
    passwords: Passwords | None = None,
) -> Bench:
    """Return a board over a state file in a folder; the floor is busy unless one is given."""
    busy = busy_floor()
    audit, answers, clock = FakeAudit(), [], ManualClock(busy.now)
    state = open_state(sqlite_url(folder / "state.db"))

    async def respond(event: AlertEvent) -> None:
        await audit.append("response", {"id": event.id})
        answers.append(event)

    async def shown(event: AlertEvent) -> None:
        await audit.append("alert_shown", {"id": event.id})

    app = create_app(
        floor=floor or busy.floor,
        state=state,
        audit=audit,
        respond=respond,
        shown=shown,
        clock=clock,
        settings=replace(settings or BoardSettings(), plan_files=sample_files()),
        passwords=passwords or cheap_passwords(),
    )
    return Bench(app=app, floor=floor or busy.floor, state=state, audit=audit, clock=clock, answers=answers)


@asynccontextmanager
async def served(bench: Bench, *, port: int = 0, deadline: float = RECEIPT) -> AsyncIterator[str]:
    """Serve a board on loopback while the block lasts; the value is its address."""
    stop, where = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve_board(bench.app, host="127.0.0.1", port=port, stop=stop, ready=where.set_result, deadline=deadline)
    )
    try:
        yield f"http://127.0.0.1:{await where}"
    finally:
        stop.set()
        await serving


class ServedThread:
    """A board served from a thread of its own, for tests that drive a browser from theirs."""

    def __init__(self, bench: Bench, port: int = 0) -> None:
        self._bench = bench
        self._port = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="board")
        self.address = ""
        self.loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> Self:
        """Start, and wait until it answers."""
        self._thread.start()
        if not self._ready.wait(30):
            raise TimeoutError("the board did not start")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait until it has."""
        assert self.loop is not None
        assert self._stop is not None
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Return what comes of some work that is done in the board's own loop."""
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _serve(self) -> None:
        self.loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with served(self._bench, port=self._port) as address:
            self.address = address
            self._ready.set()
            await self._stop.wait()


async def sample_coverages() -> Sequence[CoverageView]:
    """Return a model that has seen a hall of 12 to 33.5 degC, and one of an older bundle that says nothing."""
    plan = sample_plan()
    recipe = recipe_for(plan, "cast")
    features = np.zeros((200, len(recipe.features)))
    features[:, recipe.names.index("hall_temperature")] = np.linspace(12, 33.5, 200)
    coverage = coverage_of(plan, recipe, features)
    known = CoverageView(
        station="cast",
        characteristic="porosity",
        model="porosity-1",
        coverage=coverage,
        found=findings(coverage),
        regimes=("false alarms: worst 4.00% at <Hall> above 30 degC (212 parts), mean of 7 0.90%",),
    )
    old = CoverageView(station="trim", characteristic="burr", model="burr-1", coverage=None, found=(), regimes=())
    return known, old


def sample_drift() -> tuple[DriftReport, ...]:
    """Return a model of which one feature has drifted, and one has moved with the hall."""
    random = np.random.default_rng(1)

    def parts(rows: int, hall: float, pressure: float) -> Float64:
        halls = random.normal(hall, 3.0, rows)
        return np.column_stack(
            [halls, 100.0 + 2.0 * halls + random.normal(0.0, 1.0, rows), random.normal(pressure, 1.0, rows)]
        )

    names = ("hall_temperature", "die_temperature.mean", "pressure.max")
    found = check_window(summarise(names, parts(4_000, 20.0, 5.0), conditions=[0]), parts(1_000, 24.0, 6.0))
    report = DriftReport(
        station="cast",
        characteristic="porosity",
        model="porosity-1",
        reference=4_000,
        parts=1_000,
        first=MINUTE,
        last=2 * MINUTE,
        features=found,
        together=(),
        sensors=(
            SensorFinding(
                signal="die_temperature", fault="stuck", why=say("the same value for the last {last} parts", last=42)
            ),
        ),
        units={"pressure.max": "bar", "die_temperature.mean": "degC", "hall_temperature": "degC"},
    )
    return (report,)


def sample_watched() -> Watched:
    """Return what a watch has found."""
    released = HeldOut(scheme="by time", bad=200, found=180, good=5_000, false=5)
    parts = made_of([1] * 80 + [0] * 2_120, [1] * 200 + [0] * 2_000, [1] * 2_200, [0.3] * 2_200)
    now = int(parts.judged[-1])
    report = performance(sample_plan(), "cast", "porosity", "porosity-1", parts, released, now)
    values = ExpectedValues(rmse=0.52, off=-0.03, held=Share(hits=178, of=200), alone=0.87)
    return Watched(at=3 * MINUTE, drift=sample_drift(), performance=(replace(report, values=values),))


def sample_ready() -> dict[str, tuple[Level, ...]]:
    """Return the service levels of a model, of which most lack evidence."""
    released = HeldOut(scheme="by time", bad=200, found=180, good=5_000, false=5)
    return {"porosity-1": readiness(sample_plan(), "porosity", released, Lived(), ())}


def sample_ladder(folder: Path) -> Callable[[SqlState, AuditLog], ReleaseLadder]:
    """Return what makes the ladder of a line with three kept models, of which the first judges."""
    registry, plan = BundleFolder(folder / "bundles", Signer(bytes(32))), sample_plan()
    made = [some_bundle(version, station="cast", characteristic="porosity") for version in (1, 2, 3)]
    digest = judging_digest(plan)
    bundles = [seal(msgspec.structs.replace(item.manifest, plan_digest=digest), item.files) for item in made]
    for bundle in bundles:
        registry.add(bundle)
    registry.activate(bundles[0])
    clock = ManualClock()

    def make(state: SqlState, audit: AuditLog) -> ReleaseLadder:
        return ReleaseLadder(
            plan=plan, folder=registry, history=folder / "history", state=state, audit=audit, clock=clock
        )

    return make


def sample_demo() -> Demo:
    """Return a panel whose faults do nothing."""

    async def nothing() -> None:
        return

    cooling = Fault(
        id="chiller_valve",
        name="Chiller valve sticks",
        description="The valve of the die's cooling water closes to a third.",
        follows="An alert in about 20 s; inspection confirms in about 3 min.",
        start=nothing,
        stop=nothing,
    )
    vacuum = replace(
        cooling,
        id="vacuum_leak",
        name="Vacuum leaks",
        description="The seal of the die's vacuum tears: air stays in the cavity.",
    )
    link = replace(
        cooling,
        id="cut_link",
        name="Cut the link",
        description="The gateway loses the plant for two minutes; it judges on and sends what it kept afterwards.",
        follows="The board says within 10 s that no data comes; nothing is lost.",
    )
    return Demo(faults=(cooling, vacuum, link), note="One hour at the line passes in six minutes here.")


async def _main(port: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = make_bench(Path(folder), settings=BoardSettings(demo=sample_demo()))
        account = await bench.account(AccessRole.ADMIN, "visitor")
        code = await bench.code(CodePurpose.LOGIN, account.id)
        async with served(bench, port=port) as address:
            sys.stdout.write(f"{address}/first-run?code={code}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 8800))
