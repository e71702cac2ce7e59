"""A bundle's setups, as its judge follows them."""

from __future__ import annotations

import msgspec
import numpy as np

from lineside.domain.baselines import Baselines, BaselineState, KnownSetup, Scatter, SetupFacts, Step
from lineside.domain.errors import IntegrityError
from lineside.wire.bundle import SETUP_DIRECTIONS, SETUPS_SEEN, Bundle


def baselines_of(bundle: Bundle) -> Baselines | None:
    """Return the baselines of a bundle's setups as learning left them; None where it knows no setups.

    Raises:
        IntegrityError: what it says of setups does not hang together.
    """
    fact = bundle.manifest.setups
    if fact is None:
        return None
    inputs = bundle.manifest.inputs
    try:
        facts = SetupFacts(
            signals=fact.signals,
            parts=fact.parts,
            places=np.array([inputs.index(position) for position in fact.features], dtype=np.int64),
            centre=np.array(fact.centre),
            scale=np.array(fact.scale),
            into=bundle.array(SETUP_DIRECTIONS).astype(np.float64),
            between=np.array(fact.between),
            worth=fact.worth,
            widens=fact.widens,
            steps=tuple(Step(parts=item.parts, width=item.width, gross=item.gross) for item in fact.steps),
            scatter=Scatter(centre=fact.scatter.centre, between=fact.scatter.between, within=fact.scatter.within),
        )
        seen = msgspec.json.decode(bundle.files[SETUPS_SEEN], type=tuple[KnownSetup, ...])
        return Baselines(facts, len(inputs), BaselineState(setups=seen))
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        raise IntegrityError(f"a bundle's setups cannot be read: {error}", field=bundle.name) from error
