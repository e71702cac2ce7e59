"""Trainings as jobs, in real child processes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lineside.adapters.bundle_folder import BundleFolder
from lineside.adapters.delta_history import DeltaHistory
from lineside.adapters.job_folder import MOST_CHANGES, JobFolder, JobState
from lineside.adapters.plan_yaml import load_plan
from lineside.apps import training_jobs
from lineside.apps.layout import Layout
from lineside.apps.training_jobs import JobRunner, Relearn, queue_job
from lineside.domain.errors import InputError, IntegrityError
from lineside.domain.features.recipe import recipe_for
from lineside.domain.parts import PartRecord
from lineside.domain.performance.report import Since
from lineside.domain.plan.levels import LearnAgain
from lineside.domain.units import DAY, SECOND
from lineside.ports import LandedRecord
from lineside.testing.boards import sample_watched
from lineside.testing.clocks import ManualClock
from lineside.testing.fakes.audit import FakeAudit
from lineside.testing.floors import sample_plan
from lineside.testing.peers.ports import until
from lineside.testing.plans import PRESS_PLAN
from lineside.testing.records import a_record
from lineside.wire.codecs import encode_items
from lineside.wire.records import RecordKind


async def _runner(tmp_path: Path, *, parts: int, plan: str = PRESS_PLAN) -> tuple[JobRunner, FakeAudit]:
    (tmp_path / "plan.yaml").write_text(plan, encoding="utf-8")
    loaded, layout = load_plan(tmp_path / "plan.yaml"), Layout(tmp_path / "data")
    layout.create()
    digest, rng = recipe_for(loaded, "press").digest, np.random.default_rng(0)
    made = [
        PartRecord(
            cycle_id=f"c{i}", unit=f"S{i}", station="press", started=i * 10**9, ended=(i + 1) * 10**9,
            received=(i + 1) * 10**9, recipe=digest, features=rng.normal(size=2),
        )
        for i in range(parts)
    ]  # fmt: skip
    if made:
        history = await DeltaHistory.open(layout.history)
        await history.append([LandedRecord(position=1, record=a_record(1, encode_items(made), kind=RecordKind.PARTS))])
    audit = FakeAudit()
    runner = JobRunner(
        folder=JobFolder(layout.jobs), plan_file=tmp_path / "plan.yaml", plan=loaded, data=layout.root,
        audit=audit.append, clock=ManualClock(),
    )  # fmt: skip
    return runner, audit


async def test_a_job_learns_a_bundle_and_says_what_it_cost(tmp_path: Path) -> None:
    runner, audit = await _runner(tmp_path, parts=300)
    job = queue_job(runner.folder, "porosity", "by hand", "trying", 1)
    assert job is not None
    assert queue_job(runner.folder, "porosity", "by hand", "again", 2) is None
    assert await runner.run_next()
    done = runner.folder.get(job.id)
    assert (done.state, done.tried) == (JobState.DONE, 1), done.progress
    (bundle,) = BundleFolder(Layout(runner.data).bundles).bundles("porosity")
    assert done.result == bundle.name
    assert done.processor_seconds > 0
    assert done.peak_bytes > 10_000_000
    assert done.cost is not None
    assert [entry.action for entry in await audit.entries()] == ["training.started", "training.ended"]
    assert not await runner.run_next()


async def test_a_job_learns_only_from_parts_made_since_its_time(tmp_path: Path) -> None:
    runner, _ = await _runner(tmp_path, parts=300)
    job = queue_job(runner.folder, "porosity", "performance", "recall has fallen", 1, since=100 * SECOND)
    assert job is not None
    await runner.run_next()
    assert runner.folder.get(job.id).state is JobState.DONE, runner.folder.get(job.id).progress
    (bundle,) = BundleFolder(Layout(runner.data).bundles).bundles("porosity")
    training = bundle.manifest.training
    assert (training.since, training.first, training.rows) == (100 * SECOND, 100 * SECOND, 200)


async def test_a_job_that_fails_is_tried_again_and_then_says_why(tmp_path: Path) -> None:
    runner, _ = await _runner(tmp_path, parts=0)
    job = queue_job(runner.folder, "porosity", "schedule", "old", 1)
    assert job is not None
    await runner.run_next()
    assert runner.folder.get(job.id).state is JobState.QUEUED
    await runner.run_next()
    failed = runner.folder.get(job.id)
    assert (failed.state, failed.tried) == (JobState.FAILED, 2)
    assert "no part to learn from" in failed.progress


async def test_a_job_is_ended_when_it_is_cancelled(tmp_path: Path) -> None:
    runner, _ = await _runner(tmp_path, parts=300)
    job = queue_job(runner.folder, "porosity", "by hand", "trying", 1)
    assert job is not None
    change = runner.folder.change

    def cancelled_at_once(job_id: str, **changes: object) -> object:
        made = change(job_id, **changes)
        return runner.folder.cancel(job_id) if changes.get("progress") == "starting" else made

    runner.folder.change = cancelled_at_once  # type: ignore[method-assign,assignment]
    await runner.run_next()
    assert runner.folder.get(job.id).state is JobState.CANCELLED
    assert not BundleFolder(Layout(runner.data).bundles).bundles("porosity")


def test_a_job_stays_cancelled_whatever_its_runner_writes_after(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    job = queue_job(folder, "porosity", "by hand", "trying", 1)
    assert job is not None
    assert folder.cancel(job.id).state is JobState.CANCELLED
    assert folder.keep(job).state is JobState.QUEUED  # what the runner had read before
    assert folder.get(job.id).state is JobState.CANCELLED
    with pytest.raises(InputError, match="over already"):
        folder.cancel(job.id)
    assert queue_job(folder, "porosity", "by hand", "again", 2) is not None


async def test_a_job_that_cannot_be_read_is_said_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_jobs, "_IDLE_SECONDS", 0.01)
    runner, _ = await _runner(tmp_path, parts=0)
    job = queue_job(runner.folder, "porosity", "by hand", "trying", 1)
    assert job is not None
    damaged = Layout(runner.data).jobs / "damaged.json"
    damaged.write_text("{")
    running = asyncio.create_task(runner.keep_running())
    await until(lambda: "a job cannot be read" in caplog.text)
    assert not running.done()
    damaged.unlink()
    await until(lambda: runner.folder.get(job.id).state is not JobState.QUEUED)
    running.cancel()


async def test_what_a_runner_left_running_is_queued_again(tmp_path: Path) -> None:
    runner, _ = await _runner(tmp_path, parts=0)
    job = queue_job(runner.folder, "porosity", "by hand", "trying", 1)
    assert job is not None
    runner.folder.change(job.id, state=JobState.RUNNING, tried=1)
    runner.take_up()
    assert runner.folder.get(job.id).state is JobState.QUEUED
    runner.folder.change(job.id, state=JobState.RUNNING, tried=2)
    runner.take_up()
    assert runner.folder.get(job.id).state is JobState.FAILED


def test_damage_queues_a_training_only_where_the_plan_wants_it_and_not_before_the_pause_is_over(tmp_path: Path) -> None:
    (report,) = sample_watched().performance
    assert (report.since.worse, report.since.worse_bad) == (80 * SECOND, 120)
    folder, clock = JobFolder(tmp_path), ManualClock()
    by_hand = Relearn(sample_plan(), folder, clock)
    assert by_hand(report, 0)
    assert folder.all() == ()
    plan = sample_plan().model_copy(update={"learn_again": LearnAgain(automatic=True)})
    itself = Relearn(plan, folder, clock)
    itself(report, 0)
    (job,) = folder.all()
    assert (job.reason, job.characteristic, job.since) == ("performance", "porosity", 80 * SECOND)
    folder.change(job.id, state=JobState.DONE)
    itself(report, 0)
    assert len(folder.all()) == 1
    clock.move(DAY)
    itself(report, 0)
    assert len(folder.all()) == 2


def test_a_change_that_a_training_has_known_of_holds_for_all_later_ones(tmp_path: Path) -> None:
    (report,) = sample_watched().performance
    plan = sample_plan().model_copy(update={"learn_again": LearnAgain(automatic=True)})
    folder, clock = JobFolder(tmp_path), ManualClock()
    for since in (90 * SECOND, 0):
        known = queue_job(folder, "porosity", "by hand", "trying", clock.now(), since=since)
        assert known is not None
        folder.change(known.id, state=JobState.DONE)
        clock.move(30 * DAY)
    Relearn(plan, folder, clock)(report, 0)
    assert report.since.worse == 80 * SECOND
    assert next(job for job in folder.all() if job.reason == "performance").since == 90 * SECOND


def test_a_change_that_was_seen_lately_keeps_back_what_would_mix_before_and_since_after_a_restart_too(
    tmp_path: Path,
) -> None:
    (report,) = sample_watched().performance
    wish = LearnAgain(automatic=True, least_bad=1_000, pause=2 * DAY)
    plan, clock = sample_plan().model_copy(update={"learn_again": wish}), ManualClock()
    again = Relearn(plan, JobFolder(tmp_path), clock)
    assert not any(item.ready for item in again(report, 0))
    again = Relearn(plan, JobFolder(tmp_path), clock)
    outside = replace(report, damage=(), since=Since(learned=0, judged=1_000, outside=100))
    assert [item.ready for item in again(outside, DAY)] == [True]
    assert again.folder.all() == ()
    again(outside, 2 * DAY)
    assert [job.reason for job in again.folder.all()] == ["coverage"]


def test_of_many_models_the_newest_changes_are_remembered_and_damage_is_named(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    for number in range(MOST_CHANGES + 1):
        folder.note_change(f"porosity/{number}", number)
    assert (folder.change_seen("porosity/0"), folder.change_seen("porosity/1")) == (None, 1)
    (tmp_path / "changes-seen").write_bytes(b"{")
    with pytest.raises(IntegrityError, match="changes that were seen cannot be read"):
        folder.change_seen("porosity/1")


def test_while_a_canary_is_on_trial_nothing_else_is_learned(tmp_path: Path) -> None:
    (report,) = sample_watched().performance
    plan = sample_plan().model_copy(update={"learn_again": LearnAgain(automatic=True)})
    folder, on_trial = JobFolder(tmp_path), {"porosity"}
    again = Relearn(plan, folder, ManualClock(), on_trial.__contains__)
    assert again(report, 0)
    assert folder.all() == ()
    on_trial.clear()
    again(report, 0)
    assert len(folder.all()) == 1


def test_a_job_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    job = queue_job(folder, "porosity", "by hand", "trying", 1)
    assert job is not None
    with pytest.raises(InputError) as caught:
        folder.get("other")
    assert caught.value.choices == (job.id,)
