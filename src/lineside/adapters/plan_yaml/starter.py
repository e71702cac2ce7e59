"""The plan that one begins with where there is no data yet."""

from __future__ import annotations

from importlib.resources import files


def starter_plan() -> str:
    """Return a commented plan of an imagined press that has no errors and is meant to be rewritten."""
    return files("lineside.adapters.plan_yaml").joinpath("starter.yaml").read_text(encoding="utf-8")
