from __future__ import annotations

import pytest

from lineside.testing.conformance.registry import RegistryConformance
from lineside.testing.fakes.registry import FakeRegistry


class TestFakeRegistry(RegistryConformance):
    @pytest.fixture
    def registry(self) -> FakeRegistry:
        return FakeRegistry()
