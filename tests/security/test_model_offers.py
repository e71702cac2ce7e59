"""Requirement 21: a gateway runs only what was released for it. The details stand where the security page says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineside.adapters.onnx_judge.accepting import Acceptance
from lineside.adapters.release_keys import release_signer
from lineside.apps.gateway.models import ModelShelf
from lineside.domain.plan.model import Plan
from lineside.flows.releases import serve_releases
from lineside.testing.clocks import A_MOMENT, ManualClock
from lineside.testing.fakes.bus import FakeBus
from lineside.testing.modelling import STATION, part_record
from lineside.testing.networks import learned_bundle, network_plan
from lineside.wire.bundle import Bundle, pack_bundle
from lineside.wire.offers import make_offer, sign_offer
from lineside.wire.signed import Signer
from lineside.wire.subjects import Subjects

PLAN = network_plan()
BUNDLE = learned_bundle(PLAN)
BODY = pack_bundle(BUNDLE)
OFFER = make_offer(BUNDLE, version=1, now=A_MOMENT)


async def runs(folder: Path, envelope: bytes, body: bytes) -> bool:
    """Return whether a gateway judges by what it is sent."""

    async def audit(action: str, content: Mapping[str, object]) -> None:
        del action, content

    async def accepting(_: Plan, bundle: Bundle) -> Acceptance:
        del bundle
        return Acceptance()

    bus, subjects = FakeBus(), Subjects("site", "line")
    await serve_releases(bus, subjects, lambda: [envelope], lambda _: body)
    shelf = ModelShelf(folder / "models", folder / "keys", PLAN, audit, ManualClock(), accepting)
    await shelf.open()
    await shelf.refresh(bus, subjects)
    return bool(shelf.judge_for(STATION).judge(part_record(PLAN, np.zeros(8)), 0).predictions)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_21_a_byte_changed_anywhere_in_offer_or_bundle_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("gateway")
    envelope, body = bytearray(sign_offer(OFFER, release_signer(folder / "keys"))), bytearray(BODY)
    changed = data.draw(st.sampled_from([envelope, body]))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    assert not await runs(folder, bytes(envelope), bytes(body))


async def test_21_what_the_trusted_key_signed_runs_and_what_another_signed_does_not(tmp_path: Path) -> None:
    signer = release_signer(tmp_path / "keys")
    assert not await runs(tmp_path, sign_offer(OFFER, Signer(bytes(32))), BODY)
    assert await runs(tmp_path, sign_offer(OFFER, signer), BODY)
