"""What the board's page of models says of bundles: their manifests, noted in the state.

The folder of bundles is the record; the state holds what pages and interface show of it, so that they need not read
and check whole bundles.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.state_sql import ReleaseRecord, SqlState
from lineside.domain.plan.model import Plan
from lineside.wire.bundle import Bundle


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
        active = {bundle.name for station in self.plan.stations for bundle in self.folder.active(station.id)}
        kept = [bundle for item in self.plan.characteristics for bundle in self.folder.bundles(item.id)]
        return [_record(bundle, "in service" if bundle.name in active else "kept") for bundle in kept]


def _record(bundle: Bundle, state: str) -> ReleaseRecord:
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
        },
    )
