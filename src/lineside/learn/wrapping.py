"""An adopted prototype as a model of Lineside: calibrated, with a limit within the plan's budget, sealed as a bundle.

Calibration and limit come from parts that the prototype has not seen, where these are known. Where nobody knows which
parts it has seen, all are taken, nothing is promised, and the bundle says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np

from lineside.domain.errors import DataError
from lineside.domain.plan.model import Characteristic, CharacteristicKind, ModelFamily
from lineside.domain.readings import Float64, Int64
from lineside.learn.adopted import Answers
from lineside.learn.brought_graph import brought_graph
from lineside.learn.brought_trees import raw_answers
from lineside.learn.calibrate import Calibration, calibrate, log_odds
from lineside.learn.export_trees import class_graph
from lineside.learn.fit import FitRequest, FitResult, seal_brought
from lineside.learn.learned import Learned, Task
from lineside.learn.limiting import priced_limit
from lineside.learn.prototype import Float32, Prototype, TreeModel
from lineside.learn.rows import Bools, Choice, Rows, bad_values, classes_of, known, nonconforming
from lineside.learn.runtime import ExportedModel, check_parity
from lineside.learn.supervised_family import tree_files
from lineside.learn.validation import alarm_metrics, alert_metrics, ranking_metrics
from lineside.learn.variants import Lineage
from lineside.wire.bundle import LINEAGE

FEWEST_UNSEEN: Final = 50
"""Unseen parts from which calibration and limit are made."""
_FEWEST_KIND: Final = 5
_PARITY_ROWS: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Wrapping:
    """What is wrapped.

    ``inputs`` are the positions in the recipe, in the prototype's order, and ``signals`` numbers the signal of each.
    ``until`` is the time of the last part that it was learned from (None: nobody knows), ``digest`` its file's SHA-256.
    """

    prototype: Prototype
    answers: Answers
    inputs: Int64
    signals: Int64
    until: int | None
    digest: str


def cannot_be_wrapped(prototype: Prototype, characteristic: Characteristic, *, of_plan: bool) -> str:
    """Return why a prototype runs at no gateway, ``""`` where it may.

    ``of_plan`` says that every input is a feature of the plan.
    """
    if prototype.trees is None and prototype.graph is None:
        return (
            "it is code, and advisory at the plant alone; export it to ONNX (skl2onnx, torch.onnx) and adopt that file"
        )
    if not of_plan:
        return "some of its inputs are no features of the plan, so that no gateway can deliver them"
    classes = classes_of(characteristic)
    if characteristic.kind is CharacteristicKind.VARIABLE:
        return "it answers with a value; only prototypes that tell good from bad are wrapped so far"
    if prototype.outputs == 1 and (len(classes) > 2 or classes[0] in bad_values(characteristic)):
        return f"it tells good from bad, and the plan asks for the classes {', '.join(classes)}"
    return ""


def wrap(request: FitRequest, wrapping: Wrapping) -> FitResult:
    """Return the bundle of an adopted prototype, and the report on it.

    Raises:
        DataError: the parts do not carry a calibration.
        IntegrityError: the wrapped graph answers otherwise than the prototype.
    """
    return seal_brought(request, lambda task: (_learned(task, wrapping), f"adopted: {wrapping.prototype.label}"))


def _learned(task: Task, wrapping: Wrapping) -> Learned:
    rows = task.rows.take(known(task.rows))
    bad = nonconforming(rows, task.characteristic)
    unseen, words = _unseen(rows, bad, wrapping.until)
    columns = Choice(inputs=wrapping.inputs, environment=task.all_columns.environment, signal=wrapping.signals)
    raw = _raw(wrapping, rows.features[:, wrapping.inputs].astype(np.float32))
    calibration = calibrate(raw[unseen], _labels(task, rows, bad, wrapping.answers)[unseen])
    exported = ExportedModel(graph=_graph(wrapping, calibration), width=len(wrapping.inputs))
    scores = log_odds(calibration.logits(raw), wrapping.answers.bad)
    wrong = bad[unseen]
    limit, costs = priced_limit(task, scores[unseen], rows.group[unseen], wrong, ~wrong)
    promised = limit if wrapping.until is not None else replace(limit, guaranteed=1.0)
    shown = scores[unseen] > limit.value
    delays = task.characteristic.alert
    alerts = alert_metrics(shown, wrong, rows.group[unseen], delays) if task.timed else {}
    return Learned(
        family=ModelFamily.SUPERVISED,
        exported=exported,
        columns=columns,
        limit=promised,
        usual=~nonconforming(task.rows, task.characteristic),
        parity=_parity(task, wrapping, calibration, exported),
        scheme=words,
        metrics={**ranking_metrics(scores[unseen], wrong), **alarm_metrics(shown, wrong), **alerts},
        limit_from=words,
        costs=costs,
        files={**_tree_files(wrapping), LINEAGE: msgspec.json.encode(_lineage(wrapping, words))},
        calibration={
            "slope": calibration.slope,
            **{f"offset_{k}": v for k, v in enumerate(calibration.offsets.tolist())},
        },
    )


def _unseen(rows: Rows, bad: Bools, until: int | None) -> tuple[Bools, str]:
    """Return the rows that calibration and limit come from, and in words which these are.

    Raises:
        DataError: too few of them are unseen, or of one kind.
    """
    if until is None:
        return np.ones(len(rows), dtype=np.bool_), "parts that the prototype may have seen: nothing is promised"
    later = rows.started > until
    if later.sum() < FEWEST_UNSEEN or min(bad[later].sum(), (~bad[later]).sum()) < _FEWEST_KIND:
        raise DataError(
            "too few parts were made after those that the prototype was learned from",
            field="--trained-until",
            value=f"{int(later.sum())} later parts, {int(bad[later].sum())} of them bad",
            choices=(f"at least {FEWEST_UNSEEN} parts, {_FEWEST_KIND} of either kind",),
            next_step="bring newer parts",
        )
    return later, "parts made after those that the prototype was learned from"


def _raw(wrapping: Wrapping, rows: Float32) -> Float64:
    """Return raw answers, of the trees where these are walked, the other way round where good is high."""
    trees = wrapping.prototype.trees
    raw = wrapping.prototype.raw(rows) if trees is None else raw_answers(trees, rows)
    return raw * wrapping.answers.sign if raw.shape[1] == 1 else raw


def _labels(task: Task, rows: Rows, bad: Bools, answers: Answers) -> Int64:
    if answers.classes == 2:
        return bad.astype(np.int64)
    place = {name: k for k, name in enumerate(classes_of(task.characteristic))}
    return np.array([place[name] for name in rows.outcome], dtype=np.int64)


def _graph(wrapping: Wrapping, calibration: Calibration) -> bytes:
    prototype, answers = wrapping.prototype, wrapping.answers
    if prototype.trees is not None:
        trees = _turned(prototype.trees, answers.sign)
        width = len(wrapping.inputs)
        return class_graph(trees.table, trees.leaves, lambda graph: graph.input("x", width), calibration, answers.bad)
    assert prototype.graph is not None
    return brought_graph(
        prototype.graph,
        prototype.answer,
        len(wrapping.inputs),
        calibration,
        answers.bad,
        probabilities=prototype.probabilities,
        flipped=answers.sign < 0,
    )


def _turned(trees: TreeModel, sign: float) -> TreeModel:
    """Return trees whose single sum has the given sign."""
    if sign > 0:
        return trees
    nodes = trees.table.nodes.copy()
    for side in ("gain_left", "gain_right"):
        nodes[side] = -nodes[side]
    table = replace(trees.table, nodes=nodes, expected=-trees.table.expected)
    return replace(trees, table=table, leaves=replace(trees.leaves, value=-trees.leaves.value))


def _tree_files(wrapping: Wrapping) -> dict[str, bytes]:
    trees = wrapping.prototype.trees
    return {} if trees is None else tree_files(_turned(trees, wrapping.answers.sign).table)


def _parity(task: Task, wrapping: Wrapping, calibration: Calibration, exported: ExportedModel) -> float:
    """Return the difference between prototype and wrapped graph over the first rows."""
    rows = task.rows.features[:_PARITY_ROWS, wrapping.inputs]
    outputs = exported.run(rows, task.rows.group[:_PARITY_ROWS])
    raw = _raw(wrapping, rows.astype(np.float32))
    expected = log_odds(calibration.logits(raw), wrapping.answers.bad)
    return check_parity(expected, outputs["score"].ravel().astype(np.float64))


def _lineage(wrapping: Wrapping, words: str) -> Lineage:
    return Lineage(
        variant="adopted",
        original=wrapping.prototype.label,
        digest=wrapping.digest,
        how=f"calibration and limit from {words}",
    )
