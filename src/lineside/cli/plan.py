"""`lineside plan`: draft, check, compare and document control plans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from lineside.adapters.plan_files import load_plan_files
from lineside.adapters.plan_yaml import CheckedPlan, check_file, starter_plan, write_yaml
from lineside.adapters.tables import TimeOptions, read_table, table_files
from lineside.cli.output import write_file
from lineside.domain.errors import PlanError
from lineside.domain.plan.budget import false_alarms
from lineside.domain.plan.diff import Effect, PlanDiff, compare
from lineside.domain.plan.digest import judging_digest, response_digest
from lineside.domain.plan.draft import Draft, draft_plan
from lineside.domain.plan.findings import Finding, Severity, errors_among
from lineside.domain.plan.model import Plan
from lineside.domain.plan.reference import reference_page
from lineside.domain.plan.schema import HEADER, plan_schema
from lineside.domain.tables import Table

_FILE = click.Path(path_type=Path)
_HEADINGS = {
    Effect.JUDGING: "What models depend on (they must be validated again)",
    Effect.RESPONSE: "What people see or do (no model is touched)",
    Effect.RECORD: "For the record (nothing is touched)",
}


@click.group("plan")
def command() -> None:
    """Draft, check, compare and document control plans."""


@command.command()
@click.option("--from", "data", type=_FILE, metavar="FILE", help="Past data, CSV or Parquet.")
@click.option("--output", type=_FILE, metavar="PLAN", default="plan.yaml", show_default=True, help="Where to write it.")
@click.option("--name", default="", help="Name of the line; else that of the file.")
@click.option("--time-column", default=None, metavar="COLUMN", help="Column of the time; '' for none. Else found out.")
@click.option("--time-format", default="", metavar="FORMAT", help="As in strptime; else found out.")
@click.option("--time-zone", default="UTC", show_default=True, help="Zone of times that carry none.")
@click.option("--force", is_flag=True, help="Overwrite the plan if it is there.")
def init(data: Path | None, output: Path, name: str, force: bool, **time: str | None) -> None:
    """Draft a plan from past data, or write one to begin with."""
    if output.exists() and not force:
        raise PlanError("is there already", where=str(output), next_step="give another --output, or --force")
    if data is None:
        write_file(output, starter_plan())
        click.echo(f"Written to {output}. Rewrite it for your line, then: lineside plan check {output}")
        return
    zone = time["time_zone"] or "UTC"
    options = TimeOptions(column=time["time_column"], format=time["time_format"] or "", zone=zone)
    table = read_table(table_files(data)[0], time=options)
    draft = draft_plan(table, str(data), name or data.stem, zone)
    write_file(output, write_yaml(draft.content, draft.comments, _draft_header(table)))
    click.echo(_draft_text(draft, table, data, output))


@command.command()
@click.argument("plan", type=_FILE)
@click.option("--strict", is_flag=True, help="Warnings count as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def check(context: click.Context, plan: Path, strict: bool, as_json: bool) -> None:
    """Find every mistake in a plan; exit code 1 if there is one."""
    checked = _with_files(check_file(plan), plan)
    click.echo(_check_json(checked) if as_json else _check_text(checked, plan))
    context.exit(1 if not checked.usable or (strict and checked.findings) else 0)


def _with_files(checked: CheckedPlan, path: Path) -> CheckedPlan:
    """Add a warning for every picture or document of a step that cannot be shown."""
    if checked.plan is None:
        return checked
    problems = load_plan_files(path, checked.plan).problems
    more = tuple(
        Finding(
            code="step-file",
            path=("reactions", position, "steps", number, field),
            problem=f"'{name}' {problems[name]}",
            severity=Severity.WARNING,
            next_step="put it beside the plan",
        )
        for position, reaction in enumerate(checked.plan.reactions)
        for number, step in enumerate(reaction.steps)
        for field, name in (("picture", step.picture), ("document", step.document))
        if name in problems
    )
    return replace(checked, findings=(*checked.findings, *more))


@command.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def diff(context: click.Context, old: Path, new: Path, as_json: bool) -> None:
    """Say in words what changed; exit code 1 if what models depend on changed under the same revision."""
    found = compare(_readable(old), _readable(new))
    click.echo(_diff_json(found) if as_json else _diff_text(found))
    context.exit(1 if errors_among(found.findings) else 0)


@command.command()
@click.option("--output", type=_FILE, metavar="FILE", help="Write it there instead of printing it.")
@click.option("--markdown", is_flag=True, help="The reference page instead of the JSON Schema.")
def schema(output: Path | None, markdown: bool) -> None:
    """Print the JSON Schema of a plan's file, by which an editor completes it."""
    text = reference_page() if markdown else json.dumps(plan_schema(), indent=2) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    write_file(output, text)
    if not markdown:
        click.echo(f"Written to {output}. Begin a plan beside it with this line:\n\n{HEADER}{output.name}")


def _readable(path: Path) -> Plan:
    """Return a plan of the right form; what lint says of it is no matter here."""
    checked = check_file(path)
    if checked.plan is None:
        raise PlanError("the plan cannot be read", where=str(path), findings=errors_among(checked.findings))
    return checked.plan


# -- what is printed --------------------------------------------------------------------------------------


def _draft_header(table: Table) -> str:
    return (
        f"Drafted from {table.name} ({len(table)} rows). What was guessed is named in 'guessed': look at it, correct\n"
        "it, and delete the word. What is left out has its default: see docs/reference/control-plan.md."
    )


def _draft_text(draft: Draft, table: Table, data: Path, output: Path) -> str:
    lines = [f"{output}: drafted from {len(table)} rows of {table.name}", "", "Guessed"]
    lines += [f"  {text}" for text in draft.guesses]
    lines += ["", "To look at", *(f"  {text}" for text in draft.look_at), "", "Next"]
    protocol = "repeated-stratified-kfold" if table.times is None else "fit-then-run"
    lines += [f"  lineside plan check {output}"]
    if draft.has_outcome:
        lines += [f"  lineside backtest {output} --data {data} --protocol {protocol}"]
    return "\n".join(lines)


def _check_text(checked: CheckedPlan, path: Path) -> str:
    lines = [f"{path}: {_verdict(checked)}"]
    for finding in checked.findings:
        lines += ["", *_finding_lines(finding)]
    if checked.plan is not None:
        lines += ["", _contents(checked.plan)]
    return "\n".join(lines)


def _verdict(checked: CheckedPlan) -> str:
    errors = len(errors_among(checked.findings))
    warnings = len(checked.findings) - errors
    if not checked.findings:
        return "good"
    counts = [_counted(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    return f"{' and '.join(counts)}{'; it can be used' if checked.usable else ''}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _finding_lines(finding: Finding) -> list[str]:
    colour = "red" if finding.severity is Severity.ERROR else "yellow"
    problem = finding.problem + (f" (found {finding.found})" if finding.found else "")
    lines = [
        f"  line {finding.line}: {finding.where or 'the file'}",
        f"    {click.style(str(finding.severity), fg=colour)}: {problem} [{finding.code}]",
    ]
    if finding.next_step:
        lines.append(f"    {finding.next_step}")
    if finding.choices:
        lines.append(click.wrap_text(", ".join(finding.choices), 100, "    valid: ", "           "))
    return lines


def _contents(plan: Plan) -> str:
    parts = (
        ("station", plan.stations),
        ("signal", plan.signals),
        ("characteristic", plan.characteristics),
        ("reaction", plan.reactions),
    )
    listed = ", ".join(_counted(len(items), word) for word, items in parts)
    return (
        f"{plan.line.label}, revision {plan.revision.number}: {listed}\n"
        f"judging digest {judging_digest(plan)}, response digest {response_digest(plan)}"
        f"{''.join(_alarms(plan))}"
    )


def _alarms(plan: Plan) -> list[str]:
    """Return a line for each characteristic on the false alarms it may give, and why these."""
    lines = []
    for item in plan.characteristics:
        allowed = false_alarms(plan, item)
        shift = "" if allowed.per_shift is None else f", {allowed.per_shift:.3g} a shift"
        lines.append(f"\nfalse alarms of {item.id}: {allowed.unit} at most {allowed.rate:.3%}{shift} ({allowed.why})")
    return lines


def _check_json(checked: CheckedPlan) -> str:
    result: dict[str, Any] = {"usable": checked.usable, "findings": [asdict(item) for item in checked.findings]}
    if checked.plan is not None:
        result["judging_digest"] = judging_digest(checked.plan)
        result["response_digest"] = response_digest(checked.plan)
    return json.dumps(result, indent=2)


def _diff_text(found: PlanDiff) -> str:
    lines: list[str] = []
    for effect, heading in _HEADINGS.items():
        changes = found.of(effect)
        if changes:
            lines += [heading, *(f"  {change.text}" for change in changes), ""]
    lines += [line for finding in found.findings for line in _plain(finding)]
    return "\n".join(lines).rstrip() or "The plans say the same."


def _plain(finding: Finding) -> Sequence[str]:
    colour = "red" if finding.severity is Severity.ERROR else "yellow"
    return (
        f"{click.style(str(finding.severity), fg=colour)}: {finding.problem} [{finding.code}]",
        f"  {finding.next_step}",
    )


def _diff_json(found: PlanDiff) -> str:
    return json.dumps(
        {
            "changes": [asdict(item) for item in found.changes],
            "revalidate": bool(found.of(Effect.JUDGING)),
            "findings": [asdict(item) for item in found.findings],
        },
        indent=2,
    )
