"""Re-run a prototype as production would, and say what its laboratory figure was made of.

1. Take the parts with known outcome, and each input from the feature or column that it is mapped to.
2. Look for inputs that know too much, and for what a random split shares between its sides.
3. Learn the prototype's recipe anew under the notebook's random split and under every honest one; where only a frozen
   file was brought, a stand-in of its kind, named as one.
4. Score the frozen file itself, and say whether it has seen what it scores.
5. Count alarms by the shift under limits from parts that were not judged by them.
6. Disturb every input; look at what of the declared envelope was seen; measure what judging costs.
7. Hold all of it against the plan's service levels, and rank what would help.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from lineside.domain.adoption.alarms import Alarms, alarms_under, parts_per_shift
from lineside.domain.adoption.case import Case, stretches_of
from lineside.domain.adoption.findings import Finding, Gravity, by_gravity
from lineside.domain.adoption.inputs import InputMap
from lineside.domain.adoption.leakage import leakage_findings
from lineside.domain.adoption.memory import LeafCounts, memory_findings, seen_by_counts
from lineside.domain.adoption.remedies import remedies
from lineside.domain.adoption.result import About, Cost, Lab, Readiness, Rerun
from lineside.domain.adoption.schemes import LATER, Scheme, honest_schemes, matched, random_scheme
from lineside.domain.adoption.sensitivity import MOST_ROWS, Disturbed, disturb
from lineside.domain.adoption.splitting import splitting_findings
from lineside.domain.adoption.verdicts import Evidence, verdicts
from lineside.domain.adoption.worth import LEAST_GAP, Figure, Truth, figure, gap, worth
from lineside.domain.errors import DataError
from lineside.domain.limits import conformal_limit
from lineside.domain.plan.budget import false_alarms
from lineside.domain.plan.model import Characteristic, Plan
from lineside.domain.readings import Float64, Int64
from lineside.domain.splits import Fold
from lineside.learn.adopted import Answers, covered, nearest_rows, outside_share
from lineside.learn.brought_trees import rows_in_leaves
from lineside.learn.learned import Progress
from lineside.learn.limiting import limit_by
from lineside.learn.prototype import Prototype, Refit
from lineside.learn.rows import LEAST_PRESENT
from lineside.learn.stand_ins import stand_in
from lineside.learn.validation import Bools, HeldOut, Split, fold_limits

MOST_LEARNED: Final = 20_000
"""Parts that one model of a re-run learns from, at most; drawn at random where there are more."""
Measure = Callable[[Case], Cost | None]
Held = tuple[Float64, Int64, Scheme]
"""Answers for held-out parts, the fold of each, and the scheme."""
_FEWEST: Final = 5
"""Good and bad parts without which nothing is compared."""
_UPSIDE_DOWN: Final = 0.4


@dataclass(frozen=True, kw_only=True, slots=True)
class AdoptRequest:
    """What was brought, and what is known of it.

    ``lab`` are figures told, by name. ``until`` is the time (UTC ns) of the last part that the prototype was learned
    from, where that is known. ``flipped`` says that its greater answers mean good parts. ``left_out`` counts the parts
    that are not in the case, by reason.
    """

    plan: Plan
    characteristic: Characteristic
    prototype: Prototype
    inputs: InputMap
    data: str = ""
    lab: Mapping[str, float] = field(default_factory=dict)
    until: int | None = None
    flipped: bool = False
    seed: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    progress: Progress = field(default=lambda _: None)


def adopt(request: AdoptRequest, case: Case, measure: Measure = lambda _: None) -> Readiness:
    """Return the report on a prototype.

    Args:
        request: what was brought.
        case: the parts with known outcome, with the prototype's inputs.
        measure: measures what judging costs here.

    Raises:
        DataError: the outcomes are of one kind only, or the prototype answers in another form than the plan's.
    """
    began = time.perf_counter()
    answers = Answers.of(request.characteristic, request.prototype.outputs, flipped=request.flipped)
    work = _Work(request=request, case=case, answers=answers)
    work.check()
    random = random_scheme(case, request.seed)
    by_random, fold_of_random = work.run(random.folds, "at random")
    reruns, held = work.reruns(by_random)
    lab = work.lab(random, by_random, fold_of_random)
    frozen = work.frozen(by_random)
    findings = [
        *request.inputs.findings,
        *leakage_findings(case),
        *splitting_findings(case, random, nearest_rows, request.seed),
        *work.memory(frozen, lab),
        *work.inflation(lab, reruns),
        *work.direction(frozen, lab),
    ]
    primary = next(iter(held), "random")
    alarms = work.alarms(*held.get(primary, (by_random, fold_of_random, random)))
    cost = measure(case)
    main = next((item for item in reruns if item.scheme == primary), None)
    judged = verdicts(request.plan.service_levels, work.evidence(alarms, main, cost))
    report = Readiness(
        about=work.about(),
        inputs=request.inputs.inputs,
        lab=lab,
        frozen=work.worth_of(frozen) if request.prototype.fitted else float("nan"),
        later_frozen=work.later_frozen(frozen),
        reruns=reruns,
        trivial=work.trivial(fold_of_random),
        primary=primary,
        alarms=alarms,
        findings=by_gravity(tuple(findings)),
        coverage=covered(request.plan, case),
        disturbed=work.disturbed(frozen),
        cost=cost,
        verdicts=judged,
        remedies=(),
    )
    return _completed(report, work, time.perf_counter() - began)


def _completed(report: Readiness, work: _Work, seconds: float) -> Readiness:
    """Return the report with what is concluded from all of it."""
    shown, not_shown = work.what_is_shown(report)
    return replace(
        report,
        remedies=remedies(report.findings, report.inflated, report.verdicts, stand_in=work.is_stand_in),
        shown=shown,
        not_shown=not_shown,
        seconds=seconds,
    )


class _Work:
    """One adoption while it runs: the case, how answers are read, and what learns the recipe anew."""

    def __init__(self, *, request: AdoptRequest, case: Case, answers: Answers) -> None:
        self._request = request
        self._case = case
        self._answers = answers
        self._rows = case.inputs.astype(np.float32)
        self._truth = Truth(bad=case.bad, value=None if answers.classes else case.label)
        self._stretch = stretches_of(case)
        prototype, recipe = request.prototype, request.prototype.refit
        self._tried = f"the prototype's own recipe ({prototype.label})"
        if recipe is None:
            recipe, words = stand_in(prototype, answers.classes, request.seed)
            self._tried = f"a stand-in, not the prototype: {words}"
        self._refit: Refit = recipe
        self.is_stand_in = prototype.refit is None
        self.budget = false_alarms(request.plan, request.characteristic)

    def check(self) -> None:
        """Refuse a case on which nothing can be compared.

        Raises:
            DataError: its parts are of one kind only, or too few.
        """
        bad, count = int(self._case.bad.sum()), len(self._case)
        if self._truth.value is None and (bad < _FEWEST or count - bad < _FEWEST):
            raise DataError(
                "a prototype is compared on good and bad parts, and there are too few of one kind",
                field=self._request.characteristic.id,
                value=f"{bad} bad of {count} with known outcome",
                choices=(f"at least {_FEWEST} of each",),
                next_step="bring more parts with known outcome",
            )

    def run(self, folds: Sequence[Fold], words: str) -> tuple[Float64, Int64]:
        """Return what held-out parts are worth and the fold of each (-1: not judged), the recipe learned per fold."""
        found, fold_of = np.full(len(self._case), np.nan), np.full(len(self._case), -1, dtype=np.int64)
        label = self._answers.labels(self._case)
        for number, fold in enumerate(folds):
            self._request.progress(f"{words}: {fold.name} ({len(fold.train)} to learn, {len(fold.test)} to judge)")
            train = _at_most(fold.train, self._request.seed)
            raw = self._refit(self._rows[train], label[train], self._rows[fold.test])
            found[fold.test] = self._answers.worth(raw)
            fold_of[fold.test] = number
        return found, fold_of

    def reruns(self, by_random: Float64) -> tuple[tuple[Rerun, ...], dict[str, Held]]:
        """Return every honest scheme's figures, and its held-out answers by its name."""
        found, held = [], {}
        for scheme in honest_schemes(self._case, self._request.seed):
            given, fold_of = self.run(scheme.folds, scheme.label)
            beside = by_random
            if scheme.id == LATER:
                beside, _ = self.run(matched(self._case, scheme, self._request.seed), "at random, from as many")
            names = tuple(fold.name for fold in scheme.folds)
            found.append(
                Rerun(
                    scheme=scheme.id,
                    label=scheme.label,
                    held_out=len(scheme.folds),
                    figure=figure(self._truth, given, fold_of, names, self._stretch, self._request.seed),
                    gap=gap(self._truth, beside, given, fold_of, self._stretch, self._request.seed),
                )
            )
            held[scheme.id] = (given, fold_of, scheme)
        return tuple(found), held

    def lab(self, random: Scheme, given: Float64, fold_of: Int64) -> Lab:
        """Return the laboratory figure, told and as the random split gives it here."""
        names = tuple(fold.name for fold in random.folds)
        alone = np.arange(len(self._case), dtype=np.int64)
        told = self._request.lab.get(self._truth.measure)
        return Lab(
            measure=self._truth.measure,
            told=told,
            told_name=self._truth.measure if told is not None else "",
            here=figure(self._truth, given, fold_of, names, alone, self._request.seed),
        )

    def frozen(self, by_random: Float64) -> Float64:
        """Return what the prototype itself, as it was brought, answers for all parts; a mere recipe as if at random."""
        if not self._request.prototype.fitted:
            return by_random
        self._request.progress("scoring the prototype as it was brought")
        return self._answers.worth(self._request.prototype.raw(self._rows))

    def worth_of(self, given: Float64) -> float:
        """Return the figure of answers for all parts at once."""
        return worth(self._truth, given, np.zeros(len(given), dtype=np.int64))

    def later_frozen(self, given: Float64) -> Figure | None:
        """Return the frozen prototype's figure on parts made after those it was learned from, where that is known."""
        until, time_of = self._request.until, self._case.time
        if until is None or time_of is None or not (time_of > until).any():
            return None
        fold = np.where(time_of > until, 0, -1)
        return figure(self._truth, given, fold, ("later",), self._stretch, self._request.seed)

    def memory(self, frozen: Float64, lab: Lab) -> tuple[Finding, ...]:
        """Return what says that the frozen prototype has seen these parts."""
        if not self.is_stand_in:
            return ()
        trees, seen = self._request.prototype.trees, None
        if trees is not None and trees.seen is not None:
            counts = LeafCounts(tree=trees.leaves.tree, stated=trees.seen, found=rows_in_leaves(trees, self._rows))
            seen = seen_by_counts(counts)
        every = _at_most(np.arange(len(self._case)), self._request.seed)
        label = self._answers.labels(self._case)
        again = self._answers.worth(self._refit(self._rows[every], label[every], self._rows))
        found = memory_findings(seen, lab.measure, self.worth_of(frozen), self.worth_of(again), lab.here.value)
        return tuple(found)

    def inflation(self, lab: Lab, reruns: Sequence[Rerun]) -> Iterator[Finding]:
        """Name every scheme by which the random split flatters beyond chance, and a told figure that is not found."""
        name = lab.measure.upper()
        for item in reruns:
            if item.gap.inflated:
                yield Finding(
                    code="inflated-by-random-split",
                    gravity=Gravity.INFLATES,
                    subject=item.scheme,
                    text=f"{name} {item.gap.random:.3f} at random becomes {item.gap.honest:.3f} with {item.label}: "
                    f"{item.gap.gap:.3f} of it ({item.gap.low:.3f} to {item.gap.high:.3f}) is the split's.",
                    figures={"random": item.gap.random, "honest": item.gap.honest, "gap": item.gap.gap},
                )
        if lab.told is not None and lab.told - lab.here.high >= LEAST_GAP:
            yield Finding(
                code="lab-figure-not-found",
                gravity=Gravity.LOOK,
                subject="laboratory",
                text=f"{name} {lab.told:.3f} was told; even at random it is {lab.here.value:.3f} here.",
                remedy="Find out on which parts and by which split the told figure was made.",
                figures={"told": lab.told, "here": lab.here.value},
            )

    def direction(self, frozen: Float64, lab: Lab) -> Iterator[Finding]:
        """Say that the prototype ranks the wrong way round."""
        if self._truth.value is None and self.worth_of(frozen) < _UPSIDE_DOWN and lab.here.value > 0.5:
            yield Finding(
                code="upside-down",
                gravity=Gravity.BLOCKS,
                subject="prototype",
                text=f"The prototype ranks good parts above bad ones (AUC {self.worth_of(frozen):.3f}): its classes "
                f"were "
                "probably numbered the other way round.",
                remedy="Say so with --good-is-high, or number bad parts 1 when you train.",
            )

    def alarms(self, given: Float64, fold_of: Int64, scheme: Scheme) -> tuple[Alarms, ...]:
        """Return alarms as the notebook decides, and under the limit that keeps the plan's false-alarm rate."""
        score = given if self._answers.classes else self._answers.score(given[:, None])
        budget = self.budget
        split = Split(scheme=scheme.label, folds=scheme.folds, ordered=scheme.id == LATER)
        held = HeldOut(split=split, score=score, fold=fold_of)
        good = ~self._case.bad

        def limit_of(basis: Bools) -> float:
            taken = basis & good
            return limit_by(budget, score[taken], self._stretch[taken].astype(object), timed=held.split.ordered).value

        limits = fold_limits(held, good, limit_of)
        per_shift = budget.shift_parts or parts_per_shift(self._request.plan, self._case)
        delays = self._request.characteristic.alert
        found = []
        for rule, limit in (
            ("as the notebook decides: a risk above one half", np.zeros(len(score))),
            (f"limit from parts that it does not judge: {budget.rate:.2%} of good parts, {budget.why}", limits),
        ):
            rows = np.flatnonzero((fold_of >= 0) & np.isfinite(score) & np.isfinite(limit))
            if len(rows):
                part, alarm = self._case.take(rows), score[rows] > limit[rows]
                found.append(
                    alarms_under(rule, part, alarm, delays, per_shift, self._stretch[rows], self._request.seed)
                )
        return tuple(found)

    def trivial(self, fold_of: Int64) -> dict[str, float]:
        """Return the figures of predictors that know nothing, or nothing but the order in which parts were made."""
        found = {"chance": self._truth.trivial}
        if self._case.time is not None and self._truth.value is None:
            clock = self._case.time.astype(np.float64)
            found["clock"] = worth(self._truth, clock, fold_of)
            found["clock_backwards"] = worth(self._truth, -clock, fold_of)
        return found

    def disturbed(self, frozen: Float64) -> tuple[Disturbed, ...]:
        """Return what becomes of the frozen prototype when one input is missing or stuck."""
        step = max(1, len(self._case) // MOST_ROWS)
        rows = np.arange(0, len(self._case), step)
        score = frozen if self._answers.classes else self._answers.score(frozen[:, None])
        good = score[rows][~self._case.bad[rows]]
        good = good[np.isfinite(good)]
        if not len(good) or self._request.prototype.slow:
            return ()
        limit = conformal_limit(good, self.budget.rate).value

        def scored(inputs: Float64) -> Float64:
            return self._answers.score(self._request.prototype.raw(inputs.astype(np.float32)))

        return disturb(self._case.names, self._case.inputs[rows], self._case.bad[rows], scored, limit)

    def evidence(self, alarms: Sequence[Alarms], main: Rerun | None, cost: Cost | None) -> Evidence:
        """Return what the service levels are judged by: the limit that keeps the rate, where there is one."""
        present = np.isfinite(self._case.inputs).mean(axis=1) >= LEAST_PRESENT
        return Evidence(
            alarms=alarms[-1] if alarms else None,
            gap=None if main is None else main.gap,
            p99_us=float("nan") if cost is None else cost.p99_us,
            per_part=float("nan") if cost is None else cost.per_part,
            currency=self._request.characteristic.cost.currency,
            answered=float(present.mean()),
            outside=outside_share(self._request.plan, self._case),
        )

    def about(self) -> About:
        """Return what was brought and tried."""
        request = self._request
        return About(
            prototype=request.prototype.label,
            kind=request.prototype.kind,
            size=request.prototype.size,
            plan=f"{request.plan.line.label}, revision {request.plan.revision.number}",
            characteristic=request.characteristic.label,
            data=request.data,
            parts=len(self._case),
            nonconforming=int(self._case.bad.sum()),
            left_out=dict(request.left_out),
            tried=self._tried,
            is_stand_in=self.is_stand_in,
            seed=request.seed,
        )

    def what_is_shown(self, report: Readiness) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return in sentences what the figures show of the prototype, and what they cannot."""
        if not self.is_stand_in:
            return ("The figures are the prototype's own recipe, learned anew for each split.",), ()
        shown = ["What the split does to a model of this kind, by a stand-in that is learned anew for each split."]
        hidden = []
        if report.later_frozen is None:
            hidden.append(
                "How well this file foresees: it was learned from parts that nobody named, so that its own figure on "
                "these "
                "parts may be memory. Say --trained-until, bring newer parts, or bring the recipe."
            )
        else:
            shown.append("How the file itself does on parts made after those that it was learned from.")
        hidden.append("Whether the prototype's own recipe does better or worse than the stand-in.")
        return tuple(shown), tuple(hidden)


def _at_most(rows: Int64, seed: int) -> Int64:
    """Return the rows, or `MOST_LEARNED` of them drawn at random."""
    if len(rows) <= MOST_LEARNED:
        return rows
    return np.sort(np.random.default_rng([seed, 4]).permutation(rows)[:MOST_LEARNED])
