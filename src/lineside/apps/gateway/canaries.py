"""The canaries of a gateway: models on trial beside those in service, for as long as the plant offers them.

A canary is checked, fetched and tried like a model that goes into service, and is kept in memory alone: after a restart
it is taken again when the plant answers, and without the plant the champion judges everything. One that gave way, or
crashed the process twice, is not taken again under the same version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from lineside.adapters.crash_mark import CrashMark
from lineside.adapters.onnx_judge.accepting import Acceptance
from lineside.adapters.release_keys import trusted_keys
from lineside.apps.gateway.model_place import open_seated
from lineside.domain.errors import IntegrityError, LinesideError, UnavailableError
from lineside.domain.plan.model import Plan
from lineside.domain.releases.canary import Canary
from lineside.flows.releases import Seen, check_offer, fetch_body, fetch_canaries
from lineside.flows.seats import Seat, StationSeats
from lineside.flows.trials import Trial
from lineside.ports import Bus, Clock
from lineside.wire.bundle import Bundle
from lineside.wire.canaries import CanaryOffer, verify_canary
from lineside.wire.offers import offered_bundle
from lineside.wire.subjects import Subjects

Audit = Callable[[str, Mapping[str, object]], Awaitable[object]]
Accept = Callable[[Plan, Bundle], Awaitable[Acceptance]]


class CanaryShelf:
    """Takes canaries to the seats of a gateway's line, and ends them.

    Args:
        folder: where it is noted that a canary was at work when the process ended.
        keys: the folder with the list of trusted keys.
        plan: the plan of the line.
        seats: returns the seats of a station.
        audit: adds an entry to the gateway's audit chain.
        clock: the wall clock, for signatures.
        accept: tries a model on its golden parts.
    """

    def __init__(
        self,
        folder: Path,
        keys: Path,
        plan: Plan,
        seats: Callable[[str], StationSeats],
        audit: Audit,
        clock: Clock,
        accept: Accept,
    ) -> None:
        self._keys = keys
        self._plan = plan
        self._audit = audit
        self._clock = clock
        self._accept = accept
        self._mark = CrashMark.open(folder / "canary-crashes", clock.now())
        self._seats = {
            f"{station.id}/{seat.characteristic}": seat for station in plan.stations for seat in seats(station.id).seats
        }
        self._failed: dict[str, int] = {}
        self._audited: set[str] = set()
        self.refused: dict[str, str] = {}

    @property
    def on_trial(self) -> dict[str, str]:
        """What is on trial, in words, by the name of its bundle."""
        trials = [seat.trial for seat in self._seats.values() if seat.trial is not None and not seat.trial.ended]
        return {item.name: f"the canary at {item.place}, {_scope(item.canary)}" for item in trials}

    async def refresh(self, bus: Bus, subjects: Subjects) -> None:
        """Take what the plant offers, and end what it does not offer any more.

        Raises:
            UnavailableError: the plant does not answer; what is on trial goes on.
        """
        offered: set[str] = set()
        try:
            envelopes = await fetch_canaries(bus, subjects)
        except IntegrityError as error:
            await self._refuse("", str(error))
            return
        self.refused.clear()
        for envelope in envelopes:
            place = ""
            try:
                canary = verify_canary(envelope, trusted_keys(self._keys), self._clock.now())
                place = canary.offer.place
                offered.add(place)
                await self._consider(bus, subjects, canary)
            except UnavailableError:
                raise
            except LinesideError as error:
                await self._refuse(place, str(error))
        for place, seat in self._seats.items():
            if seat.trial is not None and place not in offered:
                await self._end(seat, "the plant offers it no more")

    async def settle(self) -> None:
        """Audit what has given way, and take it from its seat."""
        for place, seat in self._seats.items():
            if seat.trial is not None and seat.trial.ended:
                self._failed[place] = seat.trial.version
                await self._end(seat, f"{seat.trial.trouble}: {seat.trial.ended}")

    def close(self) -> None:
        """Let go of the file."""
        self._mark.close()

    async def _consider(self, bus: Bus, subjects: Subjects, canary: CanaryOffer) -> None:
        offer, now = canary.offer, self._clock.now()
        seat = self._seats.get(offer.place)
        running = None if seat is None else seat.trial
        if running is not None and running.version == offer.version:
            return
        seen = 0 if running is None else running.version
        check_offer(offer, self._plan, Seen(version=seen, failed=self._failed.get(offer.place, 0)), now)
        assert seat is not None  # check_offer knows the line's places
        if self._mark.crashed_twice():
            self._failed[offer.place] = offer.version
            self._mark.forget()
            raise IntegrityError("the process ended twice while a canary judged", value=offer.model)
        body = await fetch_body(bus, subjects, offer.digest, offer.size)
        acceptance = await self._accept(self._plan, offered_bundle(offer, body))
        if not acceptance.accepted:
            self._failed[offer.place] = offer.version
            raise IntegrityError(f"{offer.model} is not accepted: {'; '.join(acceptance.problems)}")
        model = await asyncio.to_thread(open_seated, self._plan, body, offer.version)
        seat.trial = Trial(
            judge_with=model.judge,
            name=model.name,
            version=offer.version,
            canary=canary.canary,
            place=offer.place,
            budget=self._plan.characteristic(offer.characteristic).acceptance.judging_p99,
            enter=self._mark.enter,
            leave=self._mark.leave,
        )
        said = {"model": model.name, "place": offer.place, "share": canary.share, "stations": list(canary.stations)}
        await self._audit("canary.live", said | {"offer": offer.version, "note": offer.note})

    async def _end(self, seat: Seat, why: str) -> None:
        gone, seat.trial = seat.trial, None
        assert gone is not None
        said = {"model": gone.name, "place": gone.place, "offer": gone.version, "why": why}
        await self._audit("canary.ended", said | {"parts": gone.parts, "taken": gone.taken})

    async def _refuse(self, place: str, problem: str) -> None:
        """Say why a canary is not taken: in the status as long as it is offered, to the audit record once."""
        self.refused[f"canary {place}".strip()] = problem
        if problem not in self._audited:
            self._audited.add(problem)
            await self._audit("canary.refused", {"place": place, "why": problem})


def _scope(canary: Canary) -> str:
    share = f"{canary.share:.0%} of the parts" if canary.share else "every part"
    return f"{share} at {', '.join(canary.stations)}" if canary.stations else share
