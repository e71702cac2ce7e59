"""The models that a gateway runs: taken from signed offers, tried here, kept on its disk, rolled back by themselves.

What may happen to a seat stands in `lineside.domain.model_service`. Taking an offer, step by step; whatever ends the
process in between leaves the old model or the new one:

1. check signature, target, version and expiry of the offer;
2. fetch bundle and fallback, and check every byte against what was signed;
3. try both in a child process with limits, on the golden parts (acceptance);
4. open and warm up the new model beside the one that judges;
5. write it into the slot that is not in use, and sync;
6. replace the pointer (rename, sync): from here a restart runs the new model;
7. exchange the models between two parts, and audit.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import onnxruntime

from lineside.adapters.crash_mark import CrashMark
from lineside.adapters.learned_state import keep_learned, read_learned
from lineside.adapters.model_slots import (
    USE_FALLBACK,
    USE_MODEL,
    USE_NONE,
    ModelSlots,
    Pointer,
    SlotFiles,
)
from lineside.adapters.onnx_judge.accepting import Acceptance
from lineside.adapters.release_keys import trusted_keys
from lineside.apps.gateway.model_place import Place, open_seated
from lineside.domain.errors import ConfigurationError, IntegrityError, LinesideError, UnavailableError
from lineside.domain.model_service import SeatState, Trouble
from lineside.domain.plan.model import Plan
from lineside.flows.releases import Seen, check_offer, fetch_body, fetch_offers
from lineside.flows.seats import Seat, Seated, SeatFault, StationSeats
from lineside.ports import Bus, Clock
from lineside.wire.bundle import Bundle, manifest_digest, unpack_bundle
from lineside.wire.offers import Offer, fallback_bundle, offered_bundle, verify_offer
from lineside.wire.subjects import Subjects

RUNTIME: Final = f"onnxruntime {onnxruntime.__version__} on {platform.machine()}"
"""What a model is accepted by: another one accepts it anew."""
_MOST_FALLBACK: Final = 256 << 20
Audit = Callable[[str, Mapping[str, object]], Awaitable[object]]
Accept = Callable[[Plan, Bundle], Awaitable[Acceptance]]


class ModelShelf:
    """The seats of a gateway's line, and the models on its disk.

    Args:
        folder: where the models are kept, a folder per seat.
        keys: the folder with the list of trusted keys.
        plan: the plan of the line.
        audit: adds an entry to the gateway's audit chain.
        clock: the wall clock, for signatures.
        accept: tries a model on its golden parts.
    """

    def __init__(self, folder: Path, keys: Path, plan: Plan, audit: Audit, clock: Clock, accept: Accept) -> None:
        self._folder = folder
        self._keys = keys
        self._plan = plan
        self._audit = audit
        self._clock = clock
        self._accept = accept
        self._places: dict[str, Place] = {}
        self._writing = asyncio.Lock()
        self.refused: dict[str, str] = {}

    @property
    def in_service(self) -> dict[str, str]:
        """What each model in service is, in words, by the name of its bundle."""
        found = {}
        for place in self._places.values():
            seat = place.seat
            if seat.model is not None:
                role = "the fallback" if seat.state is SeatState.FALLBACK else f"offer {seat.model.version}"
                why = f" ({place.pointer.reason})" if seat.state is SeatState.FALLBACK else ""
                found[seat.model.name] = f"{role} for {seat.characteristic} at {place.characteristic.station}{why}"
        return found

    async def open(self) -> None:
        """Take up what is on the disk; a model that is damaged, or crashed twice, gives way to its fallback."""
        for item in self._plan.characteristics:
            folder = self._folder / f"{item.station}.{item.id}"
            mark = CrashMark.open(folder / "crashes", self._clock.now())
            seat = Seat(item.id, item.acceptance.judging_p99, mark)
            place = Place(characteristic=item, seat=seat, slots=ModelSlots(folder), mark=mark)
            self._places[place.name] = place
            try:
                await self._take_up(place)
            except LinesideError as error:
                self.refused[place.name] = str(error)

    def judge_for(self, station: str) -> StationSeats:
        """Return the seats of a station."""
        return StationSeats([item.seat for item in self._places.values() if item.characteristic.station == station])

    def measured(self, characteristic: str, found: Sequence[tuple[str, float]]) -> None:
        """Tell a characteristic's models what was measured of parts, by unit."""
        for place in self._places.values():
            if place.characteristic.id == characteristic:
                place.seat.measured(found)

    async def refresh(self, bus: Bus, subjects: Subjects) -> None:
        """Look at what the plant offers, and take what may be taken; what cannot be believed is refused.

        Raises:
            UnavailableError: the plant does not answer; what runs goes on.
        """
        try:
            envelopes = await fetch_offers(bus, subjects)
            trusted = trusted_keys(self._keys)
        except (IntegrityError, ConfigurationError) as error:
            self.refused["offers"] = str(error)
            return
        self.refused.pop("offers", None)
        for envelope in envelopes:
            try:
                offer = verify_offer(envelope, trusted, self._clock.now())
            except IntegrityError as error:
                self.refused["offers"] = str(error)
                continue
            try:
                await self._consider(bus, subjects, offer, envelope)
            except UnavailableError:
                raise
            except LinesideError as error:
                await self._refuse(offer, str(error))

    async def settle(self) -> None:
        """Make durable what seats have done by themselves, and do what was asked for at the machine.

        Raises:
            StorageError: it is not durable; the seats judge on as they are.
        """
        async with self._writing:
            for place in self._places.values():
                by = place.requested()
                if by is not None:
                    place.seat.roll_back(Trouble.BY_HAND, f"asked for by {by}")
                while place.seat.faults:
                    await self._note_fault(place, place.seat.faults[0])
                    place.seat.faults.pop(0)
                if by is not None:
                    place.request.unlink(missing_ok=True)
                if learned := place.to_keep(time.monotonic()):
                    await asyncio.to_thread(keep_learned, place.slots.folder, learned)

    def close(self) -> None:
        """Let go of the files."""
        for place in self._places.values():
            place.mark.close()

    async def _consider(self, bus: Bus, subjects: Subjects, offer: Offer, envelope: bytes) -> None:
        place = self._places.get(offer.place)
        if place is not None and place.running == offer.version:
            if offer.digest == place.digest:
                self.refused.pop(offer.place, None)
                return
            raise IntegrityError("two offers of one version", value=offer.version)
        if place is not None and offer.version == place.pointer.failed:
            self.refused[place.name] = place.pointer.reason
            return
        seen = Seen() if place is None else Seen(version=place.pointer.seen, failed=place.pointer.failed)
        check_offer(offer, self._plan, seen, self._clock.now())
        assert place is not None  # check_offer knows the line's places
        if problem := place.tried.get(f"{offer.version} {offer.digest}"):
            self.refused[place.name] = problem
            return
        body = await fetch_body(bus, subjects, offer.digest, offer.size)
        bundle = offered_bundle(offer, body)
        await self._see(place, offer.version)
        fallback, lacking = await self._fallback(bus, subjects, offer, place)
        acceptance = await self._accept(self._plan, bundle)
        if not acceptance.accepted:
            problem = f"{offer.model} is not accepted: {'; '.join(acceptance.problems)}"
            place.tried[f"{offer.version} {offer.digest}"] = problem
            raise IntegrityError(problem)
        await self._switch(place, offer, SlotFiles(offer=envelope, model=body, fallback=fallback))
        await self._audit(
            "model.live", _said(offer) | {"fallback": lacking or offer.fallback_digest, **_figures(acceptance)}
        )
        self.refused.pop(place.name, None)

    async def _switch(self, place: Place, offer: Offer, files: SlotFiles) -> None:
        """Steps 4 to 7: open beside, write, point, exchange."""
        model = await asyncio.to_thread(open_seated, self._plan, files.model, offer.version)
        fallback = (
            None
            if files.fallback is None
            else await asyncio.to_thread(open_seated, self._plan, files.fallback, offer.version)
        )
        async with self._writing:
            slot = await asyncio.to_thread(place.slots.stage, files)
            failed = place.pointer.failed
            pointer = Pointer(slot=slot, use=USE_MODEL, seen=offer.version, failed=failed, runtime=RUNTIME)
            await asyncio.to_thread(place.slots.point, pointer)
            place.pointer, place.version, place.digest = pointer, offer.version, offer.digest
            place.mark.forget()
            place.seat.install(model, fallback)

    async def _fallback(self, bus: Bus, subjects: Subjects, offer: Offer, place: Place) -> tuple[bytes | None, str]:
        """Return the packed fallback that an offer names, tried here; or None and why there is none."""
        if not offer.fallback_digest:
            return None, "none is offered"
        body = self._at_hand(place, offer.fallback_digest)
        known = body is not None and place.pointer.runtime == RUNTIME
        try:
            if body is None:
                body = await fetch_body(bus, subjects, offer.fallback_digest, _MOST_FALLBACK)
            bundle = fallback_bundle(offer, body)
            acceptance = Acceptance() if known else await self._accept(self._plan, bundle)
        except (IntegrityError, ConfigurationError) as error:
            return None, f"none: {error}"
        return (body, "") if acceptance.accepted else (None, f"none: {'; '.join(acceptance.problems)}")

    def _at_hand(self, place: Place, digest: str) -> bytes | None:
        """Return a packed bundle that judges here, or stands by, from the disk."""
        if not place.pointer.slot:
            return None
        try:
            files = place.slots.read(place.pointer.slot)
            bodies = [body for body in (files.model, files.fallback) if body is not None]
            return next((body for body in bodies if manifest_digest(unpack_bundle(body).manifest) == digest), None)
        except IntegrityError:
            return None

    async def _take_up(self, place: Place) -> None:
        """Open what the pointer of a seat names, at a start."""
        place.pointer = await self._pointer(place)
        if not place.pointer.slot or place.pointer.use == USE_NONE:
            return
        files = place.slots.read(place.pointer.slot)
        offer = verify_offer(files.offer, trusted_keys(self._keys), self._clock.now())
        check_offer(offer, self._plan, Seen(), 0)  # it was taken in its time
        place.version, place.digest = offer.version, offer.digest
        crashed = place.mark.crashed_twice()
        model, problem = (None, "") if crashed else await self._open_kept(place, offer, files, USE_MODEL)
        fallback, _ = await self._open_kept(place, offer, files, USE_FALLBACK)
        fallen = place.pointer.use == USE_FALLBACK
        if fallen and not crashed and fallback is not None:
            place.seat.install(fallback, fallen=True)
        elif not fallen and model is not None:
            place.seat.install(model, fallback)
        else:
            trouble = Trouble.CRASHED if crashed else Trouble.UNREADABLE
            detail = "the process ended twice in 5 minutes while it judged" if crashed else problem
            then = None if fallen else fallback
            fault = SeatFault(
                model=offer.model,
                version=offer.version,
                trouble=trouble,
                detail=detail,
                now="" if then is None else then.name,
            )
            if then is not None:
                place.seat.install(then, fallen=True)
            await self._note_fault(place, fault)

    async def _open_kept(self, place: Place, offer: Offer, files: SlotFiles, use: str) -> tuple[Seated | None, str]:
        """Return a model of a slot, opened; or None and why it cannot be used."""
        body = files.model if use == USE_MODEL else files.fallback
        if body is None or (use == USE_MODEL and place.pointer.use == USE_FALLBACK):
            return None, "there is none"
        try:
            bundle = offered_bundle(offer, body) if use == USE_MODEL else fallback_bundle(offer, body)
            if place.pointer.runtime != RUNTIME:
                acceptance = await self._accept(self._plan, bundle)
                if not acceptance.accepted:
                    return None, f"it is not accepted by {RUNTIME}: {'; '.join(acceptance.problems)}"
            place.mark.enter()
            learned, damage = read_learned(place.slots.folder)
            if damage:
                await self._audit("baselines.lost", {"place": place.name, "why": damage})
            return open_seated(self._plan, body, offer.version, learned), ""
        except (IntegrityError, ConfigurationError) as error:
            return None, str(error)
        finally:
            place.mark.leave()

    async def _pointer(self, place: Place) -> Pointer:
        """Return a seat's pointer; where the disk has damaged it, one to the newest offer that a slot still holds."""
        try:
            return place.slots.pointer()
        except IntegrityError:
            found = []
            for slot in ("a", "b"):
                try:
                    offer = verify_offer(place.slots.read(slot).offer, trusted_keys(self._keys), self._clock.now())
                except LinesideError:
                    continue  # this slot holds nothing that could be used
                found.append(Pointer(slot=slot, use=USE_MODEL, seen=offer.version))
            return max(found, key=lambda item: item.seen, default=Pointer())

    async def _see(self, place: Place, version: int) -> None:
        """Remember durably the highest version whose signature held, so that nothing older is taken again."""
        async with self._writing:
            if version > place.pointer.seen:
                place.pointer = msgspec.structs.replace(place.pointer, seen=version)
                await asyncio.to_thread(place.slots.point, place.pointer)

    async def _note_fault(self, place: Place, fault: SeatFault) -> None:
        """Make a rollback durable, then audit it; a newer model may have taken the seat in the meantime."""
        failed = place.pointer.failed if fault.trouble is Trouble.UNREADABLE else fault.version
        pointer = msgspec.structs.replace(place.pointer, failed=failed)
        if fault.version == place.version:
            use = USE_FALLBACK if fault.now else USE_NONE
            reason = f"{fault.model} gave way: {fault.trouble}, {fault.detail}"
            pointer = msgspec.structs.replace(pointer, use=use, reason=reason)
            self.refused[place.name] = reason
            place.mark.forget()
        await asyncio.to_thread(place.slots.point, pointer)
        place.pointer = pointer
        await self._audit(
            "model.rolled_back",
            {
                "place": place.name,
                "model": fault.model,
                "offer": fault.version,
                "why": str(fault.trouble),
                "detail": fault.detail,
                "now": fault.now,
            },
        )

    async def _refuse(self, offer: Offer, problem: str) -> None:
        """Say why an offer is not taken; once to the audit record, in the status as long as it is offered."""
        known = self.refused.get(offer.place) == problem
        self.refused[offer.place] = problem
        place = self._places.get(offer.place)
        if place is not None:
            place.seat.refuse()
        if not known:
            await self._audit("model.refused", _said(offer) | {"why": problem})


def _said(offer: Offer) -> dict[str, object]:
    return {
        "place": offer.place,
        "model": offer.model,
        "digest": offer.digest,
        "offer": offer.version,
        "note": offer.note,
    }


def _figures(acceptance: Acceptance) -> dict[str, object]:
    """Return what the audit record keeps of an acceptance: by class how many golden parts were decided as they must."""
    return {
        "golden": {name: f"{item.agree}/{item.parts}" for name, item in acceptance.classes.items()},
        "worst_score": acceptance.worst_score,
        "runtime": RUNTIME,
    }
