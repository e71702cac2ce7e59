"""The real MQTT brokers that tests talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from lineside.testing.peers.brokers import BrokerProcess, mosquitto, nats_server

BROKERS: Final = [
    pytest.param("nats", marks=pytest.mark.skipif(nats_server() is None, reason="no nats-server of the wheel")),
    pytest.param("mosquitto", marks=pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")),
]
"""Every broker, each left out where this machine has none."""


@pytest.fixture(params=BROKERS)
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BrokerProcess]:
    """Give a running broker of each kind."""
    process = BrokerProcess(request.param, tmp_path)
    await process.start()
    yield process
    await process.stop()
