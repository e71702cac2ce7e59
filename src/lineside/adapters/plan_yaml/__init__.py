"""Control plans as YAML files: read with every mistake named by line, and written with comments."""

from __future__ import annotations

from lineside.adapters.plan_yaml.reading import CheckedPlan, check_file, check_text, load_plan, parse_plan
from lineside.adapters.plan_yaml.starter import starter_plan
from lineside.adapters.plan_yaml.writing import write_yaml

__all__ = ["CheckedPlan", "check_file", "check_text", "load_plan", "parse_plan", "starter_plan", "write_yaml"]
