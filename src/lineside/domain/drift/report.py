"""What is said of a model's drift: features in the words of the trade, as text and as an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lineside.domain.drift.check import FeatureDrift, Verdict
from lineside.domain.sensors.naming import SensorFinding


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftReport:
    """Parts of a model's station, made since ``first`` until ``last`` (UTC ns), against those that it learned from.

    ``features`` stand by effect on the model; ``together`` holds what features do jointly (empty: not to be said).
    ``reference`` and ``parts`` count both sides; ``units`` are the features' units. ``sensors`` names sensors that are
    faulty, or says that the process has changed.
    """

    station: str
    characteristic: str
    model: str
    reference: int
    parts: int
    first: int
    last: int
    features: tuple[FeatureDrift, ...]
    together: tuple[FeatureDrift, ...]
    units: Mapping[str, str]
    sensors: tuple[SensorFinding, ...] = ()

    @property
    def drifted(self) -> tuple[FeatureDrift, ...]:
        """The features that moved by more than matters, beyond what conditions explain."""
        return tuple(item for item in (*self.features, *self.together) if item.verdict is Verdict.DRIFTED)

    @property
    def explained(self) -> tuple[FeatureDrift, ...]:
        """The features that moved as their conditions did, and the conditions themselves."""
        wanted = (Verdict.EXPLAINED, Verdict.CONDITION)
        return tuple(item for item in self.features if item.verdict in wanted)


def drift_lines(report: DriftReport, most: int = 20) -> list[str]:
    """Return a report as lines for a terminal: what drifted and what is explained, ``most`` features at the most."""
    head = f"{report.model} at {report.station}: {report.parts:,} parts against {report.reference:,} learned from"
    if not report.features:
        return [head, "  too few parts on one side to say anything"]
    drifted, explained = report.drifted, report.explained
    words = f"{len(drifted)} drifted" if drifted else "no drift"
    lines = [head, f"  {words}; {len(explained)} moved with their conditions; {len(report.features)} features"]
    lines += [f"  {item.signal or 'process'}: {item.fault} ({item.why})" for item in report.sensors]
    shown = [*drifted, *explained][:most]
    if shown:
        lines.append(_row(("feature", "verdict", "moved by", "KS", "PSI", "Wasserstein", "beyond conditions")))
    for item in shown:
        unit = report.units.get(item.name, "")
        cells = (f"{item.shift:+.2f} sd", f"{item.ks:.3f}", f"{item.psi:.3f}", f"{item.wasserstein:.3g} {unit}".strip())
        beyond = "-" if item.beyond is None else f"{item.beyond:.3f}"
        lines.append(_row((item.name, item.verdict.value, *cells, beyond)))
    return lines


def drift_objects(reports: Sequence[DriftReport]) -> list[dict[str, Any]]:
    """Return reports as objects for JSON."""
    return [{**asdict(report), "drifted": [item.name for item in report.drifted]} for report in reports]


def _row(cells: Sequence[str]) -> str:
    return "  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


_WIDTHS = (34, 24, 9, 6, 7, 14, 17)
