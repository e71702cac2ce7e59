"""The domain has neither clock nor chance: `src/lineside/domain/ruff.toml` bans them, and this proves that it does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

IMPURE = {
    "the wall clock": "import datetime\n\nNOW = datetime.datetime.now(tz=datetime.UTC)\n",
    "the wall clock, imported by name": "from datetime import datetime\n\nNOW = datetime.now(tz=None)\n",
    "seconds since the epoch": "import time\n\nNOW = time.time()\n",
    "nanoseconds since the epoch": "from time import time_ns\n\nNOW = time_ns()\n",
    "the monotonic clock": "import time\n\nNOW = time.monotonic()\n",
    "chance": "import random\n\nCHANCE = random.random()\n",
    "numpy's global chance": "import numpy as np\n\nCHANCE = np.random.rand()\n",
    "secrets": "import secrets\n\nCHANCE = secrets.token_hex()\n",
    "random identities": "import uuid\n\nNAME = uuid.uuid4()\n",
    "the system's entropy": "import os\n\nCHANCE = os.urandom(4)\n",
    "files": "import pathlib\n\nFOLDER = pathlib.Path('x')\n",
    "logging": "import logging\n\nLOG = logging.getLogger('x')\n",
}


def banned(project_root: Path, source: str, place: str) -> bool:
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID251,NPY002", "-"]
    command += ["--stdin-filename", place]
    result = subprocess.run(command, cwd=project_root, input=source, capture_output=True, text=True, check=False)
    return "TID251" in result.stdout or "NPY002" in result.stdout


def generators_without_a_seed(source: str) -> list[int]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if ast.unparse(call.func).endswith("default_rng") and not call.args]


@pytest.mark.parametrize("what", IMPURE)
def test_the_domain_may_not_use(what: str, project_root: Path) -> None:
    assert banned(project_root, IMPURE[what], "src/lineside/domain/new.py")


def test_an_adapter_may_read_the_clock(project_root: Path) -> None:
    assert not banned(project_root, IMPURE["seconds since the epoch"], "src/lineside/adapters/new.py")


def test_the_domain_may_use_numpy(project_root: Path) -> None:
    assert not banned(project_root, "import numpy as np\n\nZERO = np.zeros(3)\n", "src/lineside/domain/new.py")


def test_a_generator_in_the_domain_is_given_its_seed(project_root: Path) -> None:
    assert generators_without_a_seed("import numpy as np\nrng = np.random.default_rng()\n") == [2]
    assert generators_without_a_seed("import numpy as np\nrng = np.random.default_rng(seed)\n") == []
    for file in (project_root / "src/lineside/domain").rglob("*.py"):
        assert generators_without_a_seed(file.read_text()) == [], file
