"""A clock that is ten days off, at one end or both, neither loses nor doubles nor reorders (``make drill``)."""

from __future__ import annotations

import shutil

import pytest

from lineside.testing.faults.rig import EDGE, SITE, MakeRig

pytestmark = [
    pytest.mark.system,
    pytest.mark.drill,
    pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed (Debian: faketime)"),
]


@pytest.mark.parametrize("part", [EDGE, SITE])
@pytest.mark.parametrize("offsets", [("+10d", "-10d"), ("-10d", "+10d")])
def test_a_clock_that_jumps_between_two_starts_changes_nothing(
    make_rig: MakeRig, part: str, offsets: tuple[str, str]
) -> None:
    rig = make_rig()
    rig.start()
    for offset in offsets:
        rig.prefix[part] = ["faketime", "-f", offset]
        rig.environment[part] = {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        rig.again(part)
        rig.progress(30)
    rig.prefix.clear()
    rig.again(part)
    rig.progress(10)
    assert rig.account().is_whole


def test_a_gateway_whose_clock_runs_thousands_of_times_too_fast_loses_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.prefix[EDGE] = ["faketime", "-f", "-3d x5000"]
    rig.environment[EDGE] = {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}  # it is the time of day that is wrong
    rig.start()
    rig.progress(60)
    assert rig.account().is_whole
