"""What learning found of setups, as a bundle carries it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lineside.domain.baselines import KnownSetup, SetupFacts
from lineside.domain.readings import Int64
from lineside.learn.setups import Place
from lineside.wire.bundle import SETUP_DIRECTIONS, SETUPS_SEEN, ScatterFact, SetupsFact, StepFact, array_bytes


def setups_fact(facts: SetupFacts, inputs: Int64) -> SetupsFact:
    """Return what stands in the manifest; ``inputs`` are the recipe's positions of the columns learned from."""
    steps = [StepFact(parts=item.parts, width=item.width, gross=item.gross) for item in facts.steps]
    scatter = facts.scatter
    return SetupsFact(
        signals=facts.signals,
        parts=facts.parts,
        features=tuple(inputs[facts.places].tolist()),
        widens=facts.widens,
        centre=tuple(facts.centre.tolist()),
        scale=tuple(facts.scale.tolist()),
        between=tuple(facts.between.tolist()),
        worth=facts.worth,
        steps=tuple(steps),
        scatter=ScatterFact(centre=scatter.centre, between=scatter.between, within=scatter.within),
    )


def setups_files(facts: SetupFacts, seen: tuple[KnownSetup, ...]) -> Mapping[str, bytes]:
    """Return the files beside it."""
    return {SETUP_DIRECTIONS: array_bytes(facts.into), SETUPS_SEEN: msgspec.json.encode(seen)}


def setups_seen(places: Mapping[tuple[str, ...], Place], most: int = 50) -> tuple[KnownSetup, ...]:
    """Return where setups lie that learning has seen: those that ran last, in order."""
    found = [
        KnownSetup(setup=name, count=place.count, total=tuple(place.total.tolist())) for name, place in places.items()
    ]
    return tuple(found[-most:])
