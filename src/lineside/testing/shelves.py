"""A gateway's models and line on what is on its disk, with the plant's models on offer."""

from __future__ import annotations

from pathlib import Path

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.onnx_judge.accepting import Acceptance
from lineside.adapters.release_keys import release_signer
from lineside.apps.gateway.models import ModelShelf
from lineside.apps.plant.releases import ReleaseDesk
from lineside.domain.plan.catalogue import catalogue_for
from lineside.domain.plan.model import Plan
from lineside.flows.judge import LineJudge
from lineside.flows.releases import serve_releases
from lineside.testing.clocks import ManualClock
from lineside.testing.fakes.bus import FakeBus
from lineside.wire.bundle import Bundle
from lineside.wire.subjects import Subjects


async def started(plan: Plan, root: Path, audited: list[str]) -> tuple[ModelShelf, LineJudge]:
    """Start a gateway's shelf and line; what it audits is noted, and every model is accepted."""

    async def audit(action: str, content: object) -> None:
        del content
        audited.append(action)

    async def trusting(_: Plan, bundle: Bundle) -> Acceptance:
        del bundle
        return Acceptance()

    shelf = ModelShelf(root / "models", root / "keys", plan, audit, ManualClock(), trusting)
    await shelf.open()
    registry, bus = BundleFolder(root / "bundles", release_signer(root / "keys")), FakeBus()
    subjects, desk = Subjects(plan.site.id, plan.line.id), ReleaseDesk(registry, plan)
    await serve_releases(bus, subjects, desk.offers, desk.body)
    await shelf.refresh(bus, subjects)
    return shelf, LineJudge(plan, catalogue_for(plan), shelf.judge_for, "gateway")


def offered(root: Path, bundle: Bundle) -> Path:
    """Offer a model to the gateways of a folder's line; return the folder."""
    registry = BundleFolder(root / "bundles", release_signer(root / "keys"))
    registry.add(bundle)
    registry.offer(bundle)
    return root
