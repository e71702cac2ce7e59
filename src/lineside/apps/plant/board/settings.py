"""What the board is told by the process that runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lineside.adapters.onnx_judge.exact import ExactExplanation
from lineside.adapters.plan_files import PlanFiles
from lineside.adapters.state_sql import SqlState
from lineside.apps.plant.board.passwords import LEAST
from lineside.apps.plant.board.traces import Trace
from lineside.apps.plant.capabilities import CapabilityView
from lineside.apps.plant.coverages import CoverageView
from lineside.apps.plant.floor import Floor
from lineside.apps.plant.gateway_book import GatewayView
from lineside.apps.plant.metrology import MetrologyView
from lineside.apps.plant.release_ladder import ReleaseLadder
from lineside.apps.plant.signal_book import SignalBook
from lineside.apps.plant.watching import Watched
from lineside.apps.web.language import word
from lineside.domain.parts import PartRecord
from lineside.domain.readiness import Level
from lineside.domain.thinning import Columns
from lineside.domain.units import DAY, HOUR, MINUTE
from lineside.ports import AuditLog, Clock

Traces = Callable[[PartRecord], Awaitable[Sequence[Trace]]]
Plots = Callable[[str, str, int, int, int], Awaitable[Columns]]
"""Station, quantity, first instant, end (UTC ns) and columns; see `lineside.apps.plant.long_plots`."""
Units = Callable[[str], Awaitable[Floor | None]]
"""By unit; see `lineside.apps.plant.archive`."""
Exact = Callable[[PartRecord], Awaitable[Sequence[ExactExplanation]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Something a visitor may break in the demo: what it is, what follows and when, and how to start and end it."""

    id: str
    name: str
    description: str
    follows: str
    start: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Demo:
    """The demo's panel; ``note`` says how process time runs."""

    faults: tuple[Fault, ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardSettings:
    """Times in nanoseconds. ``secure``: the board is reached over HTTPS.

    Attributes:
        secure: whether browsers reach the board over HTTPS (cookies get the ``__Host-`` prefix, HSTS is sent).
        hosts: names and addresses, with port, under which the board is reached; empty: whatever the request says.
        writer: how the board's alert events and audit entries name their writer.
        idle_timeout: a session unused for this long ends.
        absolute_timeout: a session this old ends.
        least_password: characters of the shortest password.
        body_limit: bytes of the largest request body.
        streams_per_account: live streams one account may hold.
        process_clock: time of the process where it differs from wall time (demo at a speed factor).
        authority: the local authority's certificate (PEM) that tablets may fetch, where one was generated.
        releases: brings the state's releases up to date before they are shown, where something else is their record.
        traces: returns the traces of a part against what is usual, where the history can.
        archive: returns what the history knows of a unit that the board does not remember.
        plots: returns a signal or feature over a stretch of the history, thinned, where there is a history.
        exact: returns the exact shares of a part by the models in service, where somebody asks for them.
        plan_files: the pictures and documents that the plan's steps name.
        demo: the panel on which things can be broken.
        gateways: returns the gateways of the line as they stand now.
        signals: how each signal does, as the process hears it.
        capabilities: returns the capability of what is measured at a station, where the history can.
        metrology: returns what models expected of a station's parts against what was measured, where the history can.
        ready: returns the service levels of each release in service, by its name; it takes a moment.
        meters: returns what is measured, in Prometheus' text format.
        watched: returns what the watch of the models in service found at its last look.
        ladder: makes the release ladder over the board's state and audit record; none: there are no releases here.
        link_keys: the keys that answer links may be signed with, the newest first; none: there are no such links.
        coverages: returns what the models in service have learned from, where that is known.
    """

    secure: bool = False
    hosts: tuple[str, ...] = ()
    writer: str = "board"
    idle_timeout: int = 12 * HOUR
    absolute_timeout: int = 7 * DAY
    least_password: int = LEAST
    body_limit: int = 65_536
    streams_per_account: int = 16
    session_check: float = 5.0
    process_clock: Clock | None = None
    authority: bytes | None = None
    releases: Callable[[], Awaitable[None]] | None = None
    traces: Traces | None = None
    archive: Units | None = None
    plots: Plots | None = None
    exact: Exact | None = None
    plan_files: PlanFiles = field(default_factory=PlanFiles)
    demo: Demo | None = field(default=None)
    gateways: Callable[[], Sequence[GatewayView]] = tuple
    signals: SignalBook | None = None
    coverages: Callable[[], Awaitable[Sequence[CoverageView]]] | None = None
    capabilities: Callable[[str], Awaitable[Sequence[CapabilityView]]] | None = None
    metrology: Callable[[str], Awaitable[Sequence[MetrologyView]]] | None = None
    ready: Callable[[], Mapping[str, Sequence[Level]]] = dict
    meters: Callable[[], bytes] = bytes
    watched: Callable[[], Watched] = Watched
    link_keys: tuple[bytes, ...] = ()
    ladder: Callable[[SqlState, AuditLog], ReleaseLadder] | None = None


SHELVE_REASONS = (
    word("known work on the machine"),
    word("waiting for a part"),
    word("waiting for maintenance"),
    word("trial"),
    word("other"),
)
SHELVE_CHOICES = (15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR)
