"""What importing Lineside does not do: look anything up outside, or need at the line what only the plant installs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PLANT_ONLY = (
    "alembic",
    "argon2",
    "deltalake",
    "duckdb",
    "lightgbm",
    "onnx",
    "pyarrow",
    "python_multipart",
    "scipy",
    "sklearn",
    "sqlalchemy",
)

IMPORT_ALL = """
import importlib, pkgutil, sys, lineside
def every(package):
    for item in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        # Alembic runs env.py and the migrations itself; they are no modules to import.
        if not item.name.endswith(".__main__") and ".migrations." not in item.name:
            importlib.import_module(item.name)
"""

WITHOUT_LOOKUPS = """
import sys
BEYOND = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.connect", "socket.sendto"}
LOOPBACK = ("127.", "::1", "localhost")
def refuse(event, arguments):
    if event in BEYOND:
        address = arguments[1] if event in {"socket.connect", "socket.sendto"} else arguments[0]
        host = address[0] if isinstance(address, tuple) else address
        if not str(host).startswith(LOOPBACK):
            sys.stderr.write(f"{event} {arguments}\\n")
            sys.stderr.flush()
            import os
            os._exit(3)
sys.addaudithook(refuse)
"""

BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"not installed at the line: {{name}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def run_python(source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-c", source], env=kept | environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_guard_against_lookups_sees_one() -> None:
    result = run_python(WITHOUT_LOOKUPS + "import socket\nsocket.getaddrinfo('example.invalid', 80)\n")

    assert result.returncode == 3
    assert "example.invalid" in result.stderr


def test_importing_all_of_lineside_looks_up_nothing_beyond_loopback() -> None:
    result = run_python(WITHOUT_LOOKUPS + IMPORT_ALL + "every(lineside)\nprint('done')\n")

    assert result.returncode == 0, result.stderr
    assert result.stdout == "done\n"


@pytest.mark.parametrize("module", ["lineside.apps.gateway", "lineside.cli.gateway"])
def test_the_gateway_imports_without_what_only_the_plant_installs(module: str) -> None:
    source = BLOCK.format(names=set(PLANT_ONLY)) + IMPORT_ALL
    source += f"module = importlib.import_module({module!r})\n"
    source += "if hasattr(module, '__path__'):\n    every(module)\n"

    result = run_python(source)

    assert result.returncode == 0, result.stderr


def test_the_list_of_what_only_the_plant_installs_is_not_needed_by_the_base_install() -> None:
    needed = "apsw, asyncua, aiomqtt, click, msgspec, nats, numba, numpy, onnxruntime, pydantic, ruamel.yaml"

    result = run_python(BLOCK.format(names=set(PLANT_ONLY)) + f"import {needed}\n")

    assert result.returncode == 0, result.stderr


def test_a_command_of_the_plant_says_what_to_install_where_only_the_gateway_is() -> None:
    source = (
        BLOCK.format(names=set(PLANT_ONLY))
        + "from lineside.cli import main\nsys.argv = ['lineside', 'plant']\nmain()\n"
    )

    result = run_python(source)

    assert result.returncode == 2, result.stderr
    assert "lineside[plant]" in result.stderr
    assert "Traceback" not in result.stderr
