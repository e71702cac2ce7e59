"""Putting a model in service: what every command and the demo do alike."""

from __future__ import annotations

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.onnx_judge.golden import with_reference
from lineside.adapters.release_keys import release_signer
from lineside.apps.layout import Layout
from lineside.domain.plan.model import Plan
from lineside.wire.bundle import Bundle


def signing_folder(layout: Layout) -> BundleFolder:
    """Return the registry of a data folder with the key that signs its offers, made where there is none."""
    layout.create()
    return BundleFolder(layout.bundles, release_signer(layout.keys))


def put_in_service(layout: Layout, plan: Plan, bundle: Bundle) -> Bundle:
    """Give a new bundle the reference of its golden parts, keep it, and offer it; return it as it was kept."""
    folder, whole = signing_folder(layout), with_reference(plan, bundle)
    folder.add(whole)
    folder.activate(whole)
    return whole
