"""What the edge nodes of a line tell of its stations, and how the administrator's file names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineside.adapters.notifiers.targets_file import load_notifying
from lineside.apps.layout import Layout
from lineside.apps.plant.andon_nodes import open_andons
from lineside.domain.errors import ConfigurationError
from lineside.domain.said import Language
from lineside.testing.clocks import ManualClock
from lineside.testing.floors import ALERT, busy_floor, sample_plan

PLAN = sample_plan()
NODE = "andon: [{id: lights, host: broker.works.example, group: works, stations: [cast], language: de}]\n"


def written(folder: Path, text: str) -> Layout:
    layout = Layout(folder)
    layout.create()
    layout.notify_file.write_text(text, encoding="utf-8")
    return layout


def test_a_station_is_told_with_its_alert_in_the_nodes_language(tmp_path: Path) -> None:
    busy = busy_floor()
    [node] = open_andons(busy.floor.plan, written(tmp_path, NODE), busy.floor, ManualClock(busy.now))
    values = node.values()
    assert set(values) == {
        f"cast/{name}"
        for name in ("state", "priority", "characteristic", "text", "step", "alert", "taken", "stale")
    }  # fmt: skip
    assert values["cast/state"] == "alarm"
    assert values["cast/alert"] == ALERT
    assert values["cast/step"]
    assert node.node.aliases.keys() == values.keys()


def test_what_keeps_a_node_from_its_broker_stands_on_the_board(tmp_path: Path) -> None:
    busy = busy_floor()
    [node] = open_andons(busy.floor.plan, written(tmp_path, NODE), busy.floor, ManualClock(busy.now))
    node.say("the broker cannot be reached")
    [link] = [link for link in busy.floor.links() if link.name == "andon lights"]
    assert (link.ok, link.detail) == (False, "the broker cannot be reached")
    node.say("")
    assert next(link for link in busy.floor.links() if link.name == "andon lights").ok


async def test_a_broker_that_is_not_listed_as_inside_is_not_connected_to(tmp_path: Path) -> None:
    busy = busy_floor()
    layout = written(tmp_path, NODE.replace("broker.works.example", "127.0.0.1"))
    [node] = open_andons(busy.floor.plan, layout, busy.floor, ManualClock(busy.now))
    with pytest.raises(ConfigurationError, match=r"andon\.lights\.host"):
        await node.address()


def test_the_node_has_the_languages_and_the_ports_that_are_usual(tmp_path: Path) -> None:
    layout = written(tmp_path, "andon: [{id: lights, host: b, group: works, tls: true}]")
    [node] = load_notifying(layout.notify_file, PLAN).andons
    assert (node.edge, node.port, node.language, node.stations) == ("lineside", 8883, Language.ENGLISH, ())


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ("{host: b, group: works}", r"andon\[0\]\.id"),
        ("{id: lights, group: works}", r"andon\[0\]\.host"),
        ("{id: lights, host: b}", r"andon\[0\]\.group"),
        ("{id: lights, host: b, group: a/b}", r"andon\[0\]\.group"),
        ("{id: lights, host: b, group: works, edge: '#'}", r"andon\[0\]\.edge"),
        ("{id: lights, host: b, group: works, port: 70000}", r"andon\[0\]\.port"),
        ("{id: lights, host: b, group: works, tls: perhaps}", r"andon\[0\]\.tls"),
        ("{id: lights, host: b, group: works, stations: [weld]}", r"andon\[0\]\.stations"),
        ("{id: lights, host: b, group: works, language: fr}", r"andon\[0\]\.language"),
        ("{id: lights, host: b, group: works, topic: x}", r"andon\[0\]\.topic"),
    ],
)
def test_a_mistake_in_an_edge_node_is_named_by_its_field(tmp_path: Path, wrong: str, field: str) -> None:
    with pytest.raises(ConfigurationError, match=field):
        load_notifying(written(tmp_path, f"andon: [{wrong}]").notify_file, PLAN)
