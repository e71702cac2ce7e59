"""What the board's page of models says of bundles: their manifests, noted in the state.

The folder of bundles is the record; the state holds what pages and interface show of it, so that they need not read
and check whole bundles.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from lineside.adapters.bundle_folder import BundleFolder, InService
from lineside.adapters.state_sql import ReleaseRecord, SqlState
from lineside.domain.errors import IntegrityError
from lineside.domain.plan.model import Plan
from lineside.wire.bundle import Bundle, pack_bundle


@dataclass(frozen=True, slots=True)
class ReleaseNotes:
    """Brings the state's releases up to date with the folder of bundles."""

    folder: BundleFolder
    state: SqlState
    plan: Plan

    async def __call__(self) -> None:
        """Note every bundle that is not noted yet, and which are in service."""
        known = {item.id: item for item in await self.state.releases.all()}
        for record in await asyncio.to_thread(self._read):
            if known.get(record.id) != record:
                await self.state.releases.add(record)

    def _read(self) -> list[ReleaseRecord]:
        active = {
            item.bundle.name: item for station in self.plan.stations for item in self.folder.in_service(station.id)
        }
        kept = [bundle for item in self.plan.characteristics for bundle in self.folder.bundles(item.id)]
        return [_record(bundle, active.get(bundle.name)) for bundle in kept]


class ReleaseDesk:
    """What the plant offers to gateways: the signed offers in force, and the bundles that they name."""

    def __init__(self, folder: BundleFolder, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._bodies: dict[str, bytes] = {}

    def offers(self) -> tuple[bytes, ...]:
        """Return the envelopes of all offers of the line; what is not signed is not offered."""
        found = [item for item in self._in_service() if item.offer is not None]
        self._bodies = {}
        for item in found:
            assert item.offer is not None
            self._bodies[item.offer.digest] = pack_bundle(item.bundle)
            back = item.offer.fallback_digest
            old = self._folder.by_digest(item.offer.characteristic, back) if back else None
            if old is not None:
                self._bodies[back] = pack_bundle(old)
        return tuple(item.envelope for item in found)

    def canaries(self) -> tuple[bytes, ...]:
        """Return the envelopes of the canaries that are on offer."""
        found = self._folder.canaries()
        for canary, _ in found:
            kept = self._folder.by_digest(canary.offer.characteristic, canary.offer.digest)
            if kept is not None:
                self._bodies[canary.offer.digest] = pack_bundle(kept)
        return tuple(envelope for _, envelope in found)

    def body(self, digest: str) -> bytes:
        """Return the packed bundle that an offer names; empty where none does."""
        if digest not in self._bodies:
            self.offers()
            self.canaries()
        return self._bodies.get(digest, b"")

    def unsigned(self) -> tuple[str, ...]:
        """Return the names of models in service that are not signed, and so reach no gateway."""
        return tuple(item.bundle.name for item in self._in_service() if item.offer is None)

    def _in_service(self) -> list[InService]:
        return [item for station in self._plan.stations for item in self._folder.in_service(station.id)]


def unreleased(desk: ReleaseDesk, data: Path) -> list[str]:
    """Return what to say of models in service that reach no gateway: they are not signed, or cannot be read."""
    try:
        models = desk.unsigned()
    except IntegrityError as error:
        return [f"no model can be offered to gateways: {error}"]
    command = f"lineside model sign --data {data}"
    return [f"the model {name} is not signed, so that no gateway takes it; sign it: {command}" for name in models]


def _record(bundle: Bundle, service: InService | None) -> ReleaseRecord:
    offer = None if service is None else service.offer
    state = "kept" if service is None else "in service" if offer is not None else "not signed"
    manifest = bundle.manifest
    training = manifest.training
    return ReleaseRecord(
        id=bundle.name,
        station=manifest.station,
        characteristic=manifest.characteristic,
        state=state,
        created=training.trained,
        detail={
            "family": manifest.family,
            "why": training.reason,
            "metrics": dict(training.metrics),
            "validated": training.scheme,
            "parts": training.rows,
            "nonconforming": training.nonconforming,
            "limit": manifest.limit,
            "false_alarm_rate": manifest.false_alarm_rate,
            "plan_revision": manifest.plan_revision,
            "plan": manifest.plan_digest,
            "data": training.data_version,
            "code": training.code_version,
            **({} if offer is None else {"offer": offer.version, "fallback": offer.fallback_digest[:12] or "none"}),
        },
    )
