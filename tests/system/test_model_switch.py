"""Models exchanged under load, with real processes: no part missed, none judged twice, and back without the plant."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from lineside.adapters.audit_sqlite import read_chain
from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.model_slots import ModelSlots, Pointer
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.drill.broken_model import breaks_above
from lineside.apps.gateway.model_place import ask_rollback
from lineside.apps.releasing import put_in_service, signing_folder
from lineside.domain.releases.canary import Canary
from lineside.wire.bundle import MODEL_FILE, Bundle, seal
from lineside.wire.offers import read_offer
from running_line import RunningLine, eventually, running_line

pytestmark = pytest.mark.system


@pytest.fixture
def line(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[RunningLine]:
    with running_line(tmp_path, free_port()) as running:
        yield running


def seat(line: RunningLine) -> Path:
    return line.layout.models / "cast.porosity"


def pointer(line: RunningLine) -> Pointer:
    return ModelSlots(seat(line)).pointer()


def running(line: RunningLine) -> int:
    """Return the version of the offer whose model is in use on the disk; 0 where none is."""
    at = pointer(line)
    return read_offer(ModelSlots(seat(line)).read(at.slot).offer).version if at.use == "model" else 0


def newer(line: RunningLine, graph: Callable[[bytes], bytes] = lambda data: data) -> Bundle:
    """Put another version of the line's model in service, and tell its gateway by nothing but time."""
    newest = BundleFolder(line.layout.bundles).bundles("porosity")[0]
    manifest = msgspec.structs.replace(newest.manifest, version=newest.manifest.version + 1)
    files = {**newest.files, MODEL_FILE: graph(newest.files[MODEL_FILE])}
    return put_in_service(line.layout, load_plan(line.root / "plan.yaml"), seal(manifest, files))


def restart_gateway(line: RunningLine) -> None:
    line.kill("gateway")


def nan_when_hot(graph: bytes) -> bytes:
    """Return the graph with a score that is no number where the first input is above 300: sound on all golden parts."""
    return breaks_above(graph, 300.0)


def predicted(line: RunningLine) -> Counter[str]:
    return Counter(row["cycle_id"] for row in line.rows("predictions"))


def test_models_are_exchanged_under_load_and_kills_without_a_missed_or_doubled_part(line: RunningLine) -> None:
    eventually(lambda: running(line) == 1, saying=line.log)
    for pause in (0, 8, 20):
        line.deliver(20)
        newer(line)
        line.deliver(10)
        restart_gateway(line)  # killed with what it holds; the one that follows asks for the offers at once
        line.deliver(pause)
    wanted = BundleFolder(line.layout.bundles).in_service("cast")[0]
    assert wanted.offer is not None
    version = wanted.offer.version
    eventually(lambda: running(line) == version, saying=line.log)
    line.deliver(20)
    eventually(lambda: len(predicted(line)) >= line.cycles - 1, saying=line.log)
    parts = Counter(row["cycle_id"] for row in line.rows("parts"))
    assert predicted(line).keys() == parts.keys()
    assert set(predicted(line).values()) == set(parts.values()) == {1}
    assert wanted.bundle.name in {row["model"] for row in line.rows("predictions")}


def test_a_model_that_turns_out_broken_gives_way_within_seconds_while_the_plant_is_away(line: RunningLine) -> None:
    """Fault 31, and the rollback asked for at the machine."""
    eventually(lambda: running(line) == 1, saying=line.log)
    first = BundleFolder(line.layout.bundles).bundles("porosity")[0].name
    broken = newer(line, nan_when_hot)
    restart_gateway(line)
    eventually(lambda: running(line) == 2, saying=line.log)
    line.deliver(5)
    plant = eventually(lambda: line.pids().get("plant"))
    os.kill(plant, signal.SIGSTOP)
    try:
        line.deliver(5, die_temp=400.0)
        eventually(lambda: pointer(line).use == "fallback", 20.0, saying=line.log)
        assert not ask_rollback(seat(line), "tester", within=0.0) or pointer(line).use == "none"
        eventually(lambda: pointer(line).use == "none", 20.0, saying=line.log)
    finally:
        os.kill(plant, signal.SIGCONT)
    entries = [json.loads(e.content) for e in read_chain(line.layout.gateway_audit) if e.action == "model.rolled_back"]
    assert [(item["model"], item["why"], item["now"]) for item in entries] == [
        (broken.name, "not_a_number", first), (first, "by_hand", ""),
    ]  # fmt: skip
    line.deliver(5)
    # Offered anew, the same model is taken again, and judges what came while nothing could.
    newer(line)
    restart_gateway(line)
    eventually(lambda: running(line) == 3, saying=line.log)
    line.deliver(5)
    eventually(lambda: len(predicted(line)) >= line.cycles - 1, saying=line.log)
    assert set(predicted(line).values()) == {1}


def test_a_canary_judges_its_share_of_the_parts_and_each_part_is_judged_once(line: RunningLine) -> None:
    eventually(lambda: running(line) == 1, saying=line.log)
    registry = signing_folder(line.layout)
    first = registry.bundles("porosity")[0]
    second = seal(msgspec.structs.replace(first.manifest, version=2), first.files)
    registry.add(second)
    registry.offer_canary(second, Canary(share=0.5))
    restart_gateway(line)  # the one that follows asks for the offers at once
    eventually(lambda: "canary.live" in gateway_actions(line), saying=line.log)
    line.deliver(40)
    eventually(lambda: len(predicted(line)) >= line.cycles - 1, saying=line.log)
    judged = Counter(row["model"] for row in line.rows("predictions"))
    assert set(predicted(line).values()) == {1}
    assert set(judged) == {first.name, second.name}
    registry.end_canary("cast/porosity")
    restart_gateway(line)
    line.deliver(10)
    eventually(lambda: len(predicted(line)) >= line.cycles - 1, saying=line.log)
    after = Counter(row["model"] for row in line.rows("predictions"))
    assert set(predicted(line).values()) == {1}
    assert after[second.name] == judged[second.name]


def gateway_actions(line: RunningLine) -> list[str]:
    return [entry.action for entry in read_chain(line.layout.gateway_audit)]
