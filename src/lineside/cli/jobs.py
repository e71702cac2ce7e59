"""`lineside jobs`: trainings that were asked for, by people or by evidence."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from pathlib import Path

import click
import msgspec

from lineside.adapters.audit_sqlite import SqliteAudit
from lineside.adapters.clocks import SystemClock
from lineside.adapters.job_folder import OPEN, Job, JobFolder, JobState
from lineside.adapters.plan_yaml import load_plan
from lineside.apps.layout import Layout
from lineside.apps.plant.app import WRITER
from lineside.apps.training_jobs import JobRunner, queue_job
from lineside.cli.options import data_option, plan_option, since_option
from lineside.domain.errors import InputError
from lineside.domain.units import SECOND


@click.group()
def command() -> None:
    """List, ask for, run and cancel trainings."""


@command.command("list")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_jobs(data: Path, *, as_json: bool) -> None:
    """List the trainings, the newest first, each with its reason and what came of it."""
    jobs = JobFolder(Layout(data).jobs).all()
    if as_json:
        click.echo(msgspec.json.encode(jobs).decode())
        return
    for job in jobs:
        click.echo(_line(job))
    if not jobs:
        click.echo("no training was asked for")


@command.command()
@click.argument("job")
@data_option
def show(job: str, data: Path) -> None:
    """Show one JOB in full, with the end of what it printed."""
    folder = JobFolder(Layout(data).jobs)
    found = folder.get(job)
    for name, value in msgspec.to_builtins(found).items():
        click.echo(f"{name.replace('_', ' '):18} {value}")
    log = folder.log(job)
    if log.exists():
        click.echo("\n".join(log.read_text(errors="replace").splitlines()[-20:]))


@command.command()
@click.argument("characteristic")
@plan_option
@data_option
@click.option("--reason", required=True, help="Why, for the record.")
@click.option("--seed", default=0, show_default=True, help="Every random choice follows from it.")
@since_option
@click.option("--here", is_flag=True, help="Run it now in this terminal, where no plant is running.")
def run(characteristic: str, plan: Path, data: Path, reason: str, seed: int, since: int, *, here: bool) -> None:
    """Ask for a training of CHARACTERISTIC; the running plant takes it up within seconds."""
    loaded, layout = load_plan(plan), Layout(data)
    known = tuple(item.id for item in loaded.characteristics)
    if characteristic not in known:
        raise InputError(
            "the plan has no such characteristic", field="CHARACTERISTIC", value=characteristic, choices=known
        )
    folder = JobFolder(layout.jobs)
    job = queue_job(folder, characteristic, "by hand", reason, time.time_ns(), seed, since)
    if job is None:
        raise InputError("a training of it is open already", field="CHARACTERISTIC", value=characteristic)
    if here:
        job = asyncio.run(_run(folder, plan, layout))
    click.echo(_line(job))
    raise SystemExit(1 if job.state is JobState.FAILED else 0)


@command.command()
@click.argument("job")
@data_option
def cancel(job: str, data: Path) -> None:
    """Cancel a JOB that is queued or running."""
    click.echo(_line(JobFolder(Layout(data).jobs).cancel(job)))


async def _run(folder: JobFolder, plan: Path, layout: Layout) -> Job:
    clock, loaded = SystemClock(), load_plan(plan)
    audit = await SqliteAudit.open(layout.plant_audit, writer=WRITER, clock=clock, key=layout.audit_key)
    runner = JobRunner(folder=folder, plan_file=plan, plan=loaded, data=layout.root, audit=audit.append, clock=clock)
    try:
        wanted = folder.all()[0].id
        while folder.get(wanted).state in OPEN:
            await runner.run_next()
        return folder.get(wanted)
    finally:
        await audit.close()


def _line(job: Job) -> str:
    made = dt.datetime.fromtimestamp(job.created // SECOND, tz=dt.UTC).strftime("%Y-%m-%d %H:%M")
    cost = "" if job.cost is None else f", {job.cost:g}"
    took = f" ({job.processor_seconds:.0f} s of processor{cost})" if job.processor_seconds else ""
    came = f"{job.result or job.progress}{took}"
    return f"{made}  {job.id:28} {job.state.value:10} {job.reason}: {job.text}  {came}".rstrip()
