"""Nodes of a server become lines of a plan: what it says is kept, what is guessed is named."""

from __future__ import annotations

from typing import Any

import pytest

from lineside.domain.plan.draft.nodes import UNECE, FoundNode, lines_for
from lineside.domain.plan.model import OpcuaSpec, Signal

SOURCE = {"id": "plc", "kind": "opcua", "url": "opc.tcp://10.0.0.1:4840"}


def node(*path: str, **more: Any) -> FoundNode:
    return FoundNode(**{"path": path, "node_id": "ns=2;s=" + ".".join(path), "type": "number", **more})


def signals(*nodes: FoundNode) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lines_for(nodes, SOURCE, "press").content["signals"]
    return found


def unit_id(code: str) -> int:
    return int.from_bytes(code.encode(), "big")


def test_unit_and_range_of_the_server_are_taken_as_they_are() -> None:
    [signal] = signals(node("Press", "Force", unit="kN", unit_id=unit_id("B47"), span=(0.0, 630.0)))
    assert signal == {
        "id": "force",
        "name": "Force",
        "station": "press",
        "unit": "kN",
        "source": "plc",
        "address": "ns=2;s=Press.Force",
        "range": [0.0, 630.0],
    }


@pytest.mark.parametrize(
    ("unit", "number", "expected"),
    [("°C", None, "degC"), ("", 4408652, "degC"), ("bar", -1, "bar"), ("Nm", None, "Nm"), ("furlong", None, "furlong")],
)
def test_units_are_read_by_their_code_and_else_by_their_name(unit: str, number: int | None, expected: str) -> None:
    [signal] = signals(node("X", unit=unit, unit_id=number))
    assert signal["unit"] == expected
    assert "guessed" not in signal


def test_what_is_guessed_from_a_name_is_named() -> None:
    [temperature, hall, running, shot, serial] = signals(
        node("DieTemperature"),
        node("HallTemperature"),
        node("CycleActive", type="boolean"),
        node("ShotCounter"),
        node("SerialNumber", type="text"),
    )
    assert (temperature["unit"], temperature["guessed"]) == ("degC", ["unit"])
    assert hall["role"] == "environment"
    assert (running["role"], running["guessed"]) == ("trigger", ["role"])
    assert shot["role"] == "context"
    assert (serial["role"], serial["type"]) == ("context", "text")


def test_equal_names_take_as_much_of_their_path_as_makes_them_differ() -> None:
    names = [item["id"] for item in signals(node("A", "Temp"), node("B", "Temp"), node("B", "Temp", node_id="i=1"))]
    assert names == ["temp", "b_temp", "temp_2"]


def test_the_lines_are_those_of_a_plan() -> None:
    lines = lines_for([node("Press", "Force", span=(0.0, 1.0)), node("On", type="boolean")], SOURCE, "press")
    OpcuaSpec.model_validate(lines.content["sources"][0])
    for item in lines.content["signals"]:
        Signal.model_validate(item)
    assert lines.comments == {("signals", 0): "Press / Force"}


def test_every_unit_code_fits_the_four_bytes_of_a_unit_id() -> None:
    assert all(0 < unit_id(code) < 2**31 for code in UNECE)
