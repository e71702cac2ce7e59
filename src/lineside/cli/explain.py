"""`lineside explain`: which signals carried a part's score, exactly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.onnx_judge.exact import ExactExplanation, ExactShares
from lineside.adapters.onnx_judge.golden import golden_records
from lineside.apps.layout import Layout
from lineside.domain.errors import InputError
from lineside.domain.judging.wording import format_value, word_contribution
from lineside.domain.parts import PartRecord
from lineside.wire.bundle import GOLDEN_PARTS, Bundle, unpack_bundle


@click.command("explain")
@click.argument("where", type=click.Path(path_type=Path, exists=True))
@click.argument("parts", nargs=-1, metavar="PART...")
@click.option("--characteristic", default="", metavar="ID", help="Only this one [default: all with a model].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per explanation.")
def command(where: Path, parts: tuple[str, ...], characteristic: str, *, as_json: bool) -> None:
    """Say which signals carried the scores of PARTs, exactly, by the models in service.

    WHERE is a data folder, and each PART a unit or cycle of its history; or WHERE is a bundle, and each PART the number
    of one of its golden parts, from 1. Trees are explained by exact Shapley values instead of along their paths.
    """
    if not parts:
        raise InputError("no part is named", field="PART", next_step="name a unit, a cycle, or a golden part's number")
    exact, said = ExactShares(), 0
    for bundle, part, before in _from_bundle(where, parts) if where.is_file() else _from_history(where, parts):
        if characteristic in {"", bundle.manifest.characteristic}:
            found, said = exact.explain(bundle, part, before), said + 1
            click.echo(json.dumps(msgspec.to_builtins(found)) if as_json else _text(found, part, bundle))
    if not said:
        raise InputError("no such part is judged by a model here", field="PART", value=parts, where=str(where))


Asked = Iterator[tuple[Bundle, PartRecord, Sequence[PartRecord]]]


def _from_bundle(file: Path, numbers: Sequence[str]) -> Asked:
    """Yield a bundle's golden parts of these numbers, each with those before it."""
    bundle = unpack_bundle(file.read_bytes())
    golden = golden_records(bundle) if GOLDEN_PARTS in bundle.files else []
    for number in numbers:
        if not number.isdecimal() or not 1 <= int(number) <= len(golden):
            raise InputError("no such golden part", field="PART", value=number, choices=(f"1..{len(golden)}",))
        yield bundle, golden[int(number) - 1], golden[: int(number) - 1]


def _from_history(folder: Path, names: Sequence[str]) -> Asked:
    """Yield the named parts of every station with a model in service; all before, where the model looks back."""
    from lineside.adapters.history_query import HistoryQuery  # noqa: PLC0415 - takes a second to load

    query, wanted = HistoryQuery(Layout(folder).history), set(names)
    for service in BundleFolder(Layout(folder).bundles).all_in_service():
        manifest, before = service.bundle.manifest, list[PartRecord]()
        remembers = manifest.memory < 1.0 or manifest.lags > 0 or manifest.drift > 0.0 or manifest.cusum > 0.0
        for part in query.parts(manifest.station):
            if part.unit in wanted or part.cycle_id in wanted:
                yield service.bundle, part, tuple(before)
            if remembers and part.recipe == manifest.recipe and not part.incomplete:
                before.append(part)


def _text(found: ExactExplanation, part: PartRecord, bundle: Bundle) -> str:
    judged = "above" if found.score > found.limit else "within"
    lines = [
        f"{part.unit} at {part.station}: {found.characteristic} by {found.model}",
        f"  score {found.score:.4g}, {judged} the limit {found.limit:.4g}",
        f"  shares {found.how}",
    ]
    for item in found.contributions:
        now, usual = (f"{format_value(value)} {item.unit}".rstrip() for value in (item.value, item.usual))
        lines.append(f"  {item.share:+9.3f}  {word_contribution(item)} (now {now}, usual {usual})")
    others = len(bundle.manifest.inputs) - len(found.contributions)
    return "\n".join([*lines, f"  {found.rest:+9.3f}  the other inputs together"] if others > 0 else lines)
