"""Putting a model in service: what every command and the demo do alike."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from lineside.adapters.bundle_folder import BundleFolder, InService
from lineside.adapters.onnx_judge.golden import with_reference
from lineside.adapters.release_keys import release_signer
from lineside.apps.layout import Layout
from lineside.apps.plant_state import open_plant_state
from lineside.domain.plan.model import Plan
from lineside.domain.releases.deciding import check_offer, found
from lineside.domain.releases.ladder import WATERMARK, LadderEvent, fold
from lineside.wire.bundle import Bundle
from lineside.wire.offers import VALID_FOR, Offer

PLAN_PLACE: Final = "plan"
"""The place of revisions of the plan on the ladder."""


def revision_of(text: str) -> str:
    """Return the name of a revision of the plan: ``plan/`` and the digest of its text."""
    return f"{PLAN_PLACE}/{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def is_revision(release: str) -> bool:
    """Return whether a release's name is that of a revision of the plan."""
    return release.startswith(f"{PLAN_PLACE}/")


def signing_folder(layout: Layout) -> BundleFolder:
    """Return the registry of a data folder with the key that signs its offers, made where there is none."""
    layout.create()
    return BundleFolder(layout.bundles, release_signer(layout.keys))


def put_in_service(layout: Layout, plan: Plan, bundle: Bundle) -> Bundle:
    """Give a new bundle the reference of its golden parts, keep it, and offer it as a demo; return it as kept."""
    folder, whole = signing_folder(layout), with_reference(plan, bundle)
    folder.add(whole)
    folder.offer(whole, note=WATERMARK)
    return whole


def offer_checked(
    layout: Layout, bundle: Bundle, *, demo: bool = False, note: str = "", above: int = 0, valid_for: int = VALID_FOR
) -> Offer:
    """Offer a kept bundle that is the champion on the ladder, or a ``demo``, which carries the watermark.

    Raises:
        InputError: it is neither, or an approved champion judges there.
    """
    folder, state = signing_folder(layout), open_plant_state(layout)
    try:
        events = asyncio.run(state.ladder.all())
    finally:
        state.close()
    ladder = fold((*events, *unknown(events, folder.all_in_service(), 0)))
    check_offer(ladder, bundle.name, place_of(bundle), demo=demo)
    said = ": ".join(filter(None, (WATERMARK if demo else "", note)))
    return folder.offer(bundle, note=said, above=above, valid_for=valid_for)


def unknown(events: Sequence[LadderEvent], serving: Iterable[InService], now: int) -> tuple[LadderEvent, ...]:
    """Return the events by which the ladder takes up what judges without a step (see `found`); ``now`` in UTC ns."""
    taken: tuple[LadderEvent, ...] = ()
    for item in serving:
        demo = item.offer is not None and item.offer.note.startswith(WATERMARK)
        ladder = fold((*events, *taken))
        taken += found(ladder, item.bundle.name, place_of(item.bundle), now, demo=demo)
    return taken


def place_of(bundle: Bundle) -> str:
    """Return what a bundle is for: ``<station>/<characteristic>``."""
    return f"{bundle.manifest.station}/{bundle.manifest.characteristic}"
