"""What every connection test must do.

A test class derives from `ProbeSuite` and gives a ``bench`` fixture: a peer that shows values, and the probe of its
source. The plan is that of `lineside.testing.plans`, with the pressure at an address that the machine does not know.
"""

from __future__ import annotations

from typing import Final, Protocol

from lineside.ports import ProbeReport

UNKNOWN: Final = "pressure"
"""The signal whose address the peer does not know."""


class ProbeBench(Protocol):
    """The peer of a source under test."""

    async def show(self, signal: str, value: object) -> None:
        """Let the machine have this value now, so that a test that comes after finds it."""

    async def probe(self, *signals: str) -> ProbeReport:
        """Test the connection."""

    async def leave(self) -> None:
        """Let the peer go away: the server stops, the folder is gone."""


def failures(report: ProbeReport) -> list[str]:
    """Return the names of the steps that did not hold."""
    return [step.name for step in report.steps if not step.ok]


class ProbeSuite:
    """The tests; ``bench`` is a fixture of the deriving class."""

    wrong: object = "warm"
    """A value that is no number; machines without types send what stands for none."""
    wrong_reason = "not_a_number"

    async def test_a_good_signal_is_read_with_its_unit_and_every_step_holds(self, bench: ProbeBench) -> None:
        """A connection that works is called one, and shows what it read."""
        await bench.show("temperature", 21.5)
        report = await bench.probe("temperature")
        assert report.ok, report
        assert report.verdict.startswith("It works")
        [reading] = report.readings
        assert (reading.signal, reading.value, reading.unit) == ("temperature", 21.5, "degC")
        assert reading.source_time <= reading.receive_time

    async def test_an_unknown_signal_is_named_and_spoils_no_other(self, bench: ProbeBench) -> None:
        """Its steps say so; those of the other signal hold."""
        await bench.show("temperature", 21.5)
        report = await bench.probe("temperature", UNKNOWN)
        assert not report.ok
        assert {step.signal for step in report.steps if not step.ok} == {UNKNOWN}
        assert [reading.signal for reading in report.readings] == ["temperature"]

    async def test_a_peer_that_is_away_is_said_to_be_away(self, bench: ProbeBench) -> None:
        """One step does not hold, the last; it says what was seen, and what to do."""
        await bench.leave()
        report = await bench.probe("temperature")
        assert not report.ok
        assert not report.readings
        assert failures(report) == [report.steps[-1].name]
        assert report.steps[-1].seen

    async def test_a_value_that_only_another_unit_explains_is_called_implausible(self, bench: ProbeBench) -> None:
        """The plan's range is 0 to 300 degC."""
        await bench.show("temperature", 311.15)
        report = await bench.probe("temperature")
        assert failures(report) == ["range"]
        [step] = [step for step in report.steps if not step.ok]
        assert "outside 0 to 300" in step.seen
        assert "kelvin: that would be 38 degC" in step.next_step

    async def test_a_value_of_the_wrong_type_is_refused_with_its_reason(self, bench: ProbeBench) -> None:
        """A text where the plan has a number."""
        await bench.show("temperature", self.wrong)
        report = await bench.probe("temperature")
        assert failures(report) == ["value"]
        assert self.wrong_reason in next(step.seen for step in report.steps if not step.ok)

    async def test_whatever_fails_comes_with_a_next_step(self, bench: ProbeBench) -> None:
        """Nobody is left with an error and no idea."""
        await bench.show("temperature", self.wrong)
        reports = [await bench.probe("temperature", UNKNOWN)]
        await bench.leave()
        reports.append(await bench.probe())
        assert all(step.next_step for report in reports for step in report.steps if not step.ok)
