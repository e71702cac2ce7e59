"""What a model was learned and exported with, as a bill of materials (CycloneDX 1.6, ECMA-424).

Only what a model's numbers depend on is listed: Lineside, the libraries it learns and judges with, and what these
require. There are no times and no addresses in it, so that the same installation writes the same bytes.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Final

SPEC: Final = "1.6"
_ROOTS: Final = (
    "lineside", "numpy", "numba", "scikit-learn", "lightgbm", "onnx", "onnxruntime", "onnxmltools", "skl2onnx",
)  # fmt: skip
_NAME: Final = re.compile(r"^[A-Za-z0-9._-]+")


def bill_of_materials(model: str) -> bytes:
    """Return the bill of a model as JSON; ``model`` is its name, such as ``porosity/3``."""
    components = [_component(name, version) for name, version in sorted(installed().items())]
    python = {"type": "platform", "name": "python", "version": platform.python_version()}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {"component": {"type": "machine-learning-model", "name": model}},
        "components": [python, *components],
    }
    return json.dumps(bill, sort_keys=True, separators=(",", ":")).encode()


def installed() -> dict[str, str]:
    """Return name and version of what is listed, as it is installed here."""
    found: dict[str, str] = {}
    wanted = list(_ROOTS)
    while wanted:
        name = _plain(wanted.pop())
        if name in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # an optional requirement
        found[name] = distribution.version
        if name != "lineside":  # all of its parts would be listed: what a model needs are the roots
            wanted += [match[0] for text in distribution.requires or () if (match := _needed(text))]
    return found


def changed(bill: bytes) -> dict[str, tuple[str, str]]:
    """Return what a bill lists in another version than is installed here: then and now, by name (empty: not there)."""
    listed = versions(json.loads(bill))
    here = installed() | {"python": platform.python_version()}
    return {
        name: (listed.get(name, ""), here.get(name, ""))
        for name in sorted(listed.keys() | here.keys())
        if listed.get(name) != here.get(name)
    }


def versions(bill: Mapping[str, Any]) -> dict[str, str]:
    """Return name and version of what a bill lists."""
    return {item["name"]: item["version"] for item in bill["components"]}


def _component(name: str, version: str) -> dict[str, Any]:
    expression = metadata.metadata(name).json.get("license_expression", "")
    licences = {"licenses": [{"expression": expression}]} if expression else {}
    return {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}", **licences}


def _needed(requirement: str) -> re.Match[str] | None:
    """Return the name in a requirement that always holds; extras are left out."""
    return None if "extra ==" in requirement else _NAME.match(requirement)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
