"""A process stops for a while, runs out of descriptors or memory, or is killed while another is away."""

from __future__ import annotations

import random
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lineside.testing.faults import memory
from lineside.testing.faults.rig import EDGE, NATS, SITE, MakeRig

pytestmark = pytest.mark.system


@pytest.mark.parametrize("part", [EDGE, SITE, NATS])
def test_a_process_that_hangs_for_a_while_costs_nothing(make_rig: MakeRig, part: str) -> None:
    rig = make_rig()
    rig.start()
    other = EDGE if part != EDGE else SITE
    seen = len(rig.lines(other))
    with rig.paused(part):
        rig.until(lambda: len(rig.lines(other)) > seen + (60 if other == EDGE else 0))
    rig.progress(20)
    assert rig.account().is_whole


def test_killing_one_process_while_another_is_away_costs_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.start()
    for away, killed in ((NATS, EDGE), (SITE, EDGE), (NATS, SITE), (EDGE, SITE)):
        rig.end(away)
        rig.again(killed)
        rig.start_part(away)
        rig.progress(5)
    assert rig.account().is_whole


@pytest.mark.parametrize("part", [EDGE, SITE])
def test_a_process_without_descriptors_left_goes_on_when_it_has_some_again(make_rig: MakeRig, part: str) -> None:
    rig = make_rig()
    rig.start()
    with rig.limited(part, resource.RLIMIT_NOFILE, 3):
        rig.again(NATS)
        rig.progress(30)
    assert rig.account().is_whole


@pytest.mark.drill
def test_kills_without_end_cost_nothing(make_rig: MakeRig, pytestconfig: pytest.Config) -> None:
    rig, choose = make_rig(), random.Random(7)
    rig.start()
    for _ in range(pytestconfig.getoption("--kills")):
        rig.progress(choose.randrange(1, 30))
        rig.again(choose.choice((EDGE, SITE, NATS)))
    rig.progress(5)
    assert rig.account().is_whole


def eventually(what: Callable[[], bool], within: float = 120.0) -> None:
    """Wait for a condition, whether or not a part ends meanwhile."""
    deadline = time.monotonic() + within
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def uses(pid: int) -> int:
    """Return the address space of a process, bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


@pytest.mark.parametrize("part", [EDGE, SITE])
def test_a_process_that_gets_no_more_memory_goes_on_or_ends_and_costs_nothing(make_rig: MakeRig, part: str) -> None:
    rig = make_rig()
    rig.start()
    with rig.limited(part, resource.RLIMIT_AS, uses(rig.pid(part))):
        rig.end(NATS)  # what is not sent is held meanwhile, and more is wanted
        rig.start_part(NATS)
        seen = len(rig.acked())
        eventually(lambda: rig.ended(part) or len(rig.acked()) >= seen + 100)
    rig.again(part)
    rig.progress(20)
    assert rig.account().is_whole


@pytest.mark.drill
@pytest.mark.parametrize("part", [EDGE, SITE])
def test_a_process_that_the_kernel_ends_for_want_of_memory_costs_nothing(make_rig: MakeRig, part: str) -> None:
    if why := memory.missing():
        pytest.skip(why)
    rig = make_rig()
    rig.start()
    with memory.taken_from(rig.pid(part)):
        assert rig.wait_for_end(part) == -signal.SIGKILL
    rig.start_part(part)
    rig.progress(20)
    assert rig.account().is_whole
