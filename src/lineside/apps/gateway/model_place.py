"""One seat of a gateway with what belongs to it on the disk, and the order to roll it back."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineside.adapters.crash_mark import CrashMark
from lineside.adapters.durable_files import replace_file
from lineside.adapters.model_slots import ModelSlots, Pointer
from lineside.adapters.onnx_judge import OnnxJudge
from lineside.domain.judging.state import ModelState
from lineside.domain.model_service import SeatState
from lineside.domain.plan.model import Characteristic, Plan
from lineside.flows.seats import Seat, Seated
from lineside.wire.bundle import unpack_bundle

KEPT_SECONDS: Final = 5.0
"""Seconds between two times of keeping what a model has learned; what came since is in the outbox."""
REQUEST: Final = "rollback.json"
"""Beside a seat's pointer: somebody at the machine asks for a rollback."""


@dataclass(kw_only=True, slots=True, eq=False)
class Place:
    """One seat with what belongs to it on the disk: version and digest of the offer in the slot in use."""

    characteristic: Characteristic
    seat: Seat
    slots: ModelSlots
    mark: CrashMark
    pointer: Pointer = field(default_factory=Pointer)
    version: int = 0
    digest: str = ""
    tried: dict[str, str] = field(default_factory=dict)
    kept: tuple[object, ...] = ()
    keep_at: float = 0.0

    @property
    def name(self) -> str:
        """What the seat is for: ``<station>/<characteristic>``."""
        return f"{self.characteristic.station}/{self.characteristic.id}"

    @property
    def request(self) -> Path:
        """Where somebody at the machine asks for a rollback."""
        return self.slots.folder / REQUEST

    def requested(self) -> str | None:
        """Return who asks for a rollback at the machine, None where nobody does."""
        try:
            asked = json.loads(self.request.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return "somebody at the machine"
        return str(asked.get("by", "")) or "somebody at the machine"

    @property
    def running(self) -> int:
        """The version of the offer whose model judges; 0 where none does."""
        model = self.seat.model if self.seat.state is SeatState.RUNNING else None
        return 0 if model is None else model.version

    def to_keep(self, now: float) -> Mapping[str, ModelState]:
        """Return what the model has learned at the line since that was last asked, every `KEPT_SECONDS` at most."""
        if now < self.keep_at:
            return {}
        learned = self.seat.learned
        said = (self.seat.corrections, *(item.newest for item in learned.values()))
        self.keep_at = now + KEPT_SECONDS
        if said == self.kept:
            return {}
        self.kept = said
        return learned


def open_seated(plan: Plan, body: bytes, version: int, learned: Mapping[str, ModelState] | None = None) -> Seated:
    """Return a model of packed bytes, opened, for the offer of that version, with what it has learned at the line.

    Raises:
        ConfigurationError: it is for another plan.
        IntegrityError: it is not what it claims to be.
    """
    bundle = unpack_bundle(body)
    judge = OnnxJudge(plan, bundle.manifest.station, [bundle]).open()
    with contextlib.suppress(ValueError):  # of another model: it begins with what its bundle says
        judge.restore(learned or {})
    return Seated(judge=judge, name=bundle.name, version=version)


def ask_rollback(seat: Path, by: str, within: float = 5.0) -> bool:
    """Ask the gateway for a rollback of the seat in a folder; return whether one has taken it up in time.

    The request stays: a gateway that does not run now takes it up when it starts.
    """
    request = seat / REQUEST
    replace_file(request, json.dumps({"by": by}).encode())
    deadline = time.monotonic() + within
    while request.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not request.exists()
