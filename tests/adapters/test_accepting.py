"""Acceptance on the device, against real bombs: whatever a model does, the gateway goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from lineside.adapters.child_process import Limits
from lineside.adapters.onnx_judge.accepting import Acceptance, Trials, accept
from lineside.adapters.onnx_judge.golden import check_golden, reference_of
from lineside.domain.errors import IntegrityError
from lineside.domain.judging.graph_check import check_graph
from lineside.testing.networks import (
    external_graph,
    hostile_graph,
    learned_bundle,
    mlp_like,
    network_plan,
    with_graph,
)
from lineside.testing.peers.ports import until
from lineside.wire.bundle import GOLDEN_ANSWERS, GOLDEN_PARTS, MODEL_FILE, Bundle, seal

PLAN = network_plan()
BUNDLE = learned_bundle(PLAN)
QUICK = Limits(cpu=4, seconds=60.0, memory=8 << 30)


def hostile(kind: str) -> Bundle:
    return with_graph(PLAN, BUNDLE, hostile_graph(kind), refer=False)


async def tried(bundle: Bundle, limits: Limits) -> Acceptance:
    async with Trials(limits) as trials:
        return await trials.try_in_child(PLAN, bundle)


async def test_a_sound_model_is_accepted_class_by_class() -> None:
    found = await accept(PLAN, BUNDLE)
    assert found.accepted, found.problems
    assert {"good", "crack", "pore"} <= set(found.classes)
    assert all(item.parts == item.agree > 0 for item in found.classes.values())
    assert found.worst_score == 0.0
    assert 0 < found.p50_us < 100_000


async def test_the_golden_parts_are_of_every_class_near_the_limit_and_lack_signals() -> None:
    parts, answers = BUNDLE.array(GOLDEN_PARTS), reference_of(BUNDLE)
    assert len(parts) == len(answers)
    assert np.isnan(parts[-4:]).any(axis=1).all()
    assert {answer.state for answer in answers} >= {"alarm", "normal"}
    assert any(answer.shares for answer in answers)
    assert learned_bundle(PLAN).files[GOLDEN_PARTS] == BUNDLE.files[GOLDEN_PARTS]


@pytest.mark.parametrize("kind", ["memory", "endless"])
async def test_a_bomb_of_forbidden_operators_is_refused_unseen(kind: str) -> None:
    began = time.monotonic()
    (problem,) = (await accept(PLAN, hostile(kind))).problems
    assert "not on the list" in problem
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("kind", ["memory", "memory_by_padding"])
async def test_a_model_of_few_bytes_that_takes_gigabytes_ends_with_its_child(kind: str) -> None:
    bomb = hostile(kind)
    assert len(bomb.files[MODEL_FILE]) < 500
    (problem,) = (await tried(bomb, QUICK)).problems
    assert "allocate" in problem or "memory" in problem or "crashed" in problem


async def test_an_endless_loop_ends_with_its_child() -> None:
    (problem,) = (await tried(hostile("endless"), QUICK)).problems
    assert "4 s of processor time" in problem


async def test_a_child_that_hangs_is_given_up() -> None:
    limits = Limits(cpu=60, seconds=2.0, memory=8 << 30)
    (problem,) = (await tried(hostile("endless"), limits)).problems
    assert "more than 2 s" in problem


async def test_one_child_tries_model_after_model_and_survives_each() -> None:
    async with Trials(QUICK) as trials:
        assert (await trials.accept(PLAN, BUNDLE)).accepted
        child = trials.child
        for kind in ("memory", "endless", "nan"):
            assert not (await trials.try_in_child(PLAN, hostile(kind))).accepted
        together = await asyncio.gather(*(trials.accept(PLAN, BUNDLE) for _ in range(3)))
        assert [item.accepted for item in together] == [True, True, True]
        assert trials.child == child


async def test_a_child_that_is_killed_or_has_been_idle_is_replaced() -> None:
    async with Trials(QUICK, idle=0.05) as trials:
        assert (await trials.accept(PLAN, BUNDLE)).accepted
        child = trials.child
        assert child is not None
        await until(lambda: not Path(f"/proc/{child}").exists())
        assert (await trials.accept(PLAN, BUNDLE)).accepted
        killed = trials.child
        assert killed is not None
        with suppress(ProcessLookupError):
            os.kill(killed, signal.SIGKILL)
        assert (await trials.accept(PLAN, BUNDLE)).accepted
    assert trials.child is None


async def test_a_trial_that_is_cancelled_leaves_no_answer_to_the_next() -> None:
    async with Trials(QUICK) as trials:
        assert (await trials.accept(PLAN, BUNDLE)).accepted
        child = trials.child
        cancelled = asyncio.create_task(trials.try_in_child(PLAN, hostile("endless")))
        await until(lambda: bool(Path(f"/proc/{child}/task/{child}/children").read_text(encoding="ascii")))
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        assert (await trials.accept(PLAN, BUNDLE)).accepted


async def test_a_model_that_answers_with_no_number_is_refused() -> None:
    (problem,) = (await accept(PLAN, hostile("nan"))).problems
    assert "score" in problem


@pytest.mark.parametrize("graph", [b"", b"no graph", BUNDLE.files[MODEL_FILE][:-40]])
async def test_a_damaged_graph_is_refused(graph: bytes) -> None:
    assert not (await accept(PLAN, with_graph(PLAN, BUNDLE, graph, refer=False))).accepted


async def test_a_lost_class_is_refused_by_name_although_nearly_every_part_agrees() -> None:
    answers = reference_of(BUNDLE)
    lost = [replace(item, state="normal", predicted="good") if item.label == "pore" else item for item in answers]
    claimed = seal(BUNDLE.manifest, {**BUNDLE.files, GOLDEN_ANSWERS: msgspec.json.encode(lost)})
    (problem,) = (await accept(PLAN, claimed)).problems
    assert problem.startswith("pore: 0 of ")


def test_golden_parts_without_a_reference_are_refused() -> None:
    blank = [{"label": item.label} for item in reference_of(BUNDLE)]
    with pytest.raises(IntegrityError, match="reference"):
        check_golden(PLAN, seal(BUNDLE.manifest, {**BUNDLE.files, GOLDEN_ANSWERS: msgspec.json.encode(blank)}))
    for broken in (b"", b"{}", msgspec.json.encode(blank[:-1])):
        with pytest.raises(IntegrityError):
            check_golden(PLAN, seal(BUNDLE.manifest, {**BUNDLE.files, GOLDEN_ANSWERS: broken}))


def test_a_bundle_from_before_golden_parts_is_checked_by_its_golden_rows() -> None:
    old = {name: data for name, data in BUNDLE.files.items() if name not in {GOLDEN_PARTS, GOLDEN_ANSWERS}}
    assert check_golden(PLAN, seal(BUNDLE.manifest, old)).comparison.problems == ()


def _graph(change: Callable[[onnx.ModelProto], None]) -> bytes:
    model = onnx.load_from_string(mlp_like())
    change(model)
    return bytes(model.SerializeToString())


FORBIDDEN: dict[str, bytes] = {
    "data in another file": external_graph(),
    "an operator of a library": _graph(lambda model: setattr(model.graph.node[0], "domain", "com.example")),
    "a library asked for": _graph(lambda model: model.opset_import.append(helper.make_opsetid("com.example", 1))),
    "a loop": hostile_graph("endless"),
    "an operator nobody knows": _graph(lambda model: setattr(model.graph.node[0], "op_type", "Exec")),
    "a function": _graph(
        lambda model: model.functions.append(helper.make_function("d", "f", [], [], [], [helper.make_opsetid("", 17)]))
    ),
    "a graph in an attribute": _graph(
        lambda model: model.graph.node[0].attribute.append(
            helper.make_attribute("g", helper.make_graph([], "g", [], []))
        )
    ),
    "training information": _graph(lambda model: model.training_info.add()),
    "a sparse constant": _graph(lambda model: model.graph.sparse_initializer.add()),
    "cut": mlp_like()[:-3],
    "nonsense": b"\xff" * 40,
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_graph_with_something_that_is_not_allowed_is_refused(name: str) -> None:
    with pytest.raises(IntegrityError):
        check_graph(FORBIDDEN[name])


def test_what_lineside_learns_and_small_networks_are_allowed() -> None:
    check_graph(BUNDLE.files[MODEL_FILE])
    check_graph(mlp_like())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120), st.integers(0, len(mlp_like())))
def test_no_bytes_make_the_check_do_anything_but_refuse_or_pass(noise: bytes, at: int) -> None:
    graph = mlp_like()
    for data in (noise, graph[:at] + noise + graph[at:]):
        try:
            check_graph(data)
        except IntegrityError:
            continue
