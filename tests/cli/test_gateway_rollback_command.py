"""`lineside gateway rollback`: an order that stays until a gateway has carried it out."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lineside.adapters.model_slots import USE_MODEL, ModelSlots, Pointer
from lineside.apps.gateway import model_place
from lineside.apps.layout import Layout
from lineside.cli.gateway import command
from lineside.domain.errors import InputError


def call(data: Path, characteristic: str) -> str:
    result = CliRunner().invoke(command, ["rollback", characteristic, "--data", str(data)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_without_a_gateway_the_order_waits_for_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineside.apps.gateway.model_place.time.monotonic", iter(range(0, 100, 6)).__next__)
    seat = Layout(tmp_path).models / "press.porosity"
    ModelSlots(seat).point(Pointer(slot="a", use=USE_MODEL, seen=1))
    assert "when it starts" in call(tmp_path, "porosity")
    assert (seat / model_place.REQUEST).exists()


def test_a_characteristic_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has ever run here"):
        call(tmp_path, "porosity")
