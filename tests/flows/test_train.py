from __future__ import annotations

import numpy as np
import pytest

from lineside.domain.errors import DataError
from lineside.domain.plan.model import Characteristic
from lineside.flows.train import LoadedParts, TrainRequest, train
from lineside.testing.fakes.registry import FakeRegistry
from lineside.testing.modelling import CHARACTERISTIC, STATION, modelling_plan, part_table

PLAN = modelling_plan(3)


def load(characteristic: Characteristic) -> LoadedParts:
    assert characteristic.id == CHARACTERISTIC
    return LoadedParts(table=part_table(PLAN, np.random.default_rng(0).normal(size=(200, 3))), version="d1")


def test_a_trained_model_is_kept_under_the_next_version_and_put_in_service() -> None:
    registry = FakeRegistry()
    said: list[str] = []
    first = train(TrainRequest(plan=PLAN, now=7), load, registry, said.append)
    second = train(TrainRequest(plan=PLAN, characteristics=(CHARACTERISTIC,)), load, registry)
    assert [item.bundle.manifest.version for item in (*first, *second)] == [1, 2]
    assert registry.active(STATION) == (second[0].bundle,)
    training = first[0].bundle.manifest.training
    assert (training.trained, training.data_version, training.rows) == (7, "d1", 200)
    assert said[0] == f"{CHARACTERISTIC}: loading parts"


def test_parts_made_before_a_time_are_left_out_and_counted() -> None:
    table = load(PLAN.characteristic(CHARACTERISTIC)).table
    (trained,) = train(TrainRequest(plan=PLAN, since=int(table.started[50])), load, FakeRegistry())
    assert trained.bundle.manifest.training.rows == 150
    assert trained.dropped == {"made before": 50}
    with pytest.raises(DataError, match="no part was made since"):
        train(TrainRequest(plan=PLAN, since=int(table.started[-1]) + 1), load, FakeRegistry())


def test_a_model_can_be_kept_without_being_put_in_service() -> None:
    registry = FakeRegistry()
    train(TrainRequest(plan=PLAN, activate=False), load, registry)
    assert registry.active(STATION) == ()
    assert registry.next_version(CHARACTERISTIC) == 2


def test_parts_that_carry_nothing_leave_the_registry_as_it_was() -> None:
    registry = FakeRegistry()
    with pytest.raises(DataError):
        train(
            TrainRequest(plan=PLAN),
            lambda _: LoadedParts(table=part_table(PLAN, np.zeros((3, 3))), version=""),
            registry,
        )
    assert registry.next_version(CHARACTERISTIC) == 1
