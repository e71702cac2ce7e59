"""Every command of the tutorial from notebook to line, run in its order, in an empty folder."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lineside.cli import root

BLOCK = re.compile(r"```(\w+)(?: (\S+))?\n(.*?)```", re.DOTALL)


def run(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run one line of the tutorial; what starts the line for good is only read."""
    words = shlex.split(command)
    if words[0] == "python":
        runpy.run_path(words[1])
        return capsys.readouterr().out
    if words[0] == "lineside":
        if words[1] == "up":
            up = root.get_command(click.Context(root), "up")
            assert up is not None
            up.make_context("up", words[2:])
            return ""
        result = CliRunner().invoke(root, words[1:], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def test_the_tutorial_runs_as_written(
    project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (project_root / "docs/tutorial/from-notebook-to-line.md").read_text()
    monkeypatch.chdir(tmp_path)
    said = []
    for kind, name, body in BLOCK.findall(text):
        if name:
            Path(name).write_text(body)
        elif kind == "sh":
            said += [run(line, capsys) for line in body.strip().splitlines()]
    told = next(line for line in text.splitlines() if line.startswith("It prints `AUC"))
    assert said[1].strip() in told
    report = json.loads(Path("report/readiness.json").read_text())
    assert "day" in report["inflated"]
    assert "in service" in said[-1]
