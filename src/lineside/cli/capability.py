"""`lineside capability`: Cp, Cpk, Pp, Ppk of a column with intervals, or why not."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from lineside.cli.spc import numbers_of
from lineside.domain.spc.capability import Capability, Index, Refusal, capability


@click.command("capability")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--column", required=True, help="The column of values, in order of production.")
@click.option("--lower", type=float, help="Lower limit of the specification.")
@click.option("--upper", type=float, help="Upper limit of the specification.")
@click.option(
    "--confidence",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Of the intervals.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    file: Path, column: str, lower: float | None, upper: float | None, confidence: float, *, as_json: bool
) -> None:
    """Say how well a COLUMN of FILE keeps its specification; exit with 1 where no index would mean anything."""
    values, left_out = numbers_of(file, column)
    found = capability(values, lower, upper, confidence=confidence)
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(found), "left_out": left_out}))
    else:
        click.echo(_text(found, left_out))
    if isinstance(found, Refusal):
        raise SystemExit(1)


def _text(found: Capability | Refusal, left_out: int) -> str:
    if isinstance(found, Refusal):
        lines = [f"no capability: {found.reason}", f"  {found.next_step}"]
    else:
        indices = {"Cp": found.cp, "Cpk": found.cpk, "Pp": found.pp, "Ppk": found.ppk}
        lines = [
            (
                f"{found.count} values, mean {found.mean:.6g}, sigma {found.sigma_within:.4g} within,"
                f" {found.sigma_overall:.4g} overall"
            ),
            *(_line(name, index, found.confidence) for name, index in indices.items()),
        ]
    return "\n".join([*lines, f"  {left_out} rows without a number are left out"] if left_out else lines)


def _line(name: str, index: Index | None, confidence: float) -> str:
    if index is None:
        return f"  {name:<3} needs both limits of the specification"
    return f"  {name:<3} {index.value:.2f}  ({index.low:.2f} to {index.high:.2f} at {confidence:.0%})"
