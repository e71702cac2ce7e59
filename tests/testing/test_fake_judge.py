from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lineside.domain.parts import PartRecord
from lineside.testing.conformance.judge import JudgeConformance
from lineside.testing.fakes.judge import FakeJudge
from lineside.testing.modelling import modelling_plan, part_record


class TestFakeJudge(JudgeConformance):
    @pytest.fixture
    def judge(self) -> FakeJudge:
        return FakeJudge("porosity", limit=2.0, width=3)

    @pytest.fixture
    def parts(self) -> Sequence[PartRecord]:
        plan = modelling_plan(3)
        return [part_record(plan, np.full(3, float(i)), i) for i in range(5)]
