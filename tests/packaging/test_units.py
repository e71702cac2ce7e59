"""The unit files and the image's definition: what they promise, and that systemd takes them."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lineside.cli import root

UNITS = ("lineside-gateway.service", "lineside-plant.service")
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "CapabilityBoundingSet": "",
    "SystemCallArchitectures": "native",
    "UMask": "0077",
    "StateDirectoryMode": "0700",
}
SUPERVISED = {"Type": "notify", "Restart": "always", "User": "lineside"}


def service(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    assert parser["Unit"]["StartLimitIntervalSec"] == "0"
    assert parser["Install"]["WantedBy"] == "multi-user.target"
    return dict(parser["Service"])


@pytest.mark.parametrize("name", UNITS)
def test_a_service_is_hardened_limited_and_watched(project_root: Path, name: str) -> None:
    found = service(project_root / "packaging/systemd" / name)
    for key, value in (HARDENED | SUPERVISED).items():
        assert found[key] == value, key
    for limit in ("MemoryMax", "CPUQuota", "TasksMax", "LimitNOFILE", "WatchdogSec", "TimeoutStartSec"):
        assert found[limit], limit


def test_the_gateway_gets_its_secrets_as_credentials(project_root: Path) -> None:
    assert service(project_root / "packaging/systemd/lineside-gateway.service")["LoadCredential"].startswith("secret:/")


@pytest.mark.parametrize("name", UNITS)
def test_the_command_of_a_service_is_one_that_there_is(project_root: Path, name: str) -> None:
    words = service(project_root / "packaging/systemd" / name)["ExecStart"].split()[1:]
    group = root.get_command(root.make_context("lineside", [words[0]]), words[0])
    assert group is not None
    options = words[1:]
    if options and not options[0].startswith("-"):
        group, options = group.commands[options[0]], options[1:]  # type: ignore[attr-defined]
    spellings = {spelling for parameter in group.params for spelling in parameter.opts}
    assert {word for word in options if word.startswith("--")} <= spellings


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here to ask")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_a_unit_and_finds_it_hardened(project_root: Path, tmp_path: Path, name: str) -> None:
    text = (project_root / "packaging/systemd" / name).read_text()
    unit = tmp_path / name
    # The command is not installed here, nor the documentation.
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={shutil.which('true')}", text))
    quiet = os.environ | {"SYSTEMD_LOG_LEVEL": "warning"}
    found = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, env=quiet, check=False)
    complaints = [line for line in found.stderr.splitlines() if name in line]
    assert complaints == []
    scored = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=25", unit],
        capture_output=True, text=True, env=quiet, check=False,
    )  # fmt: skip
    assert scored.returncode == 0, scored.stdout[-400:]


def test_the_image_runs_as_nobody_special_from_hashed_packages_with_a_health_check(project_root: Path) -> None:
    text = (project_root / "packaging/Containerfile").read_text()
    final = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final
    assert "lineside gateway status --check" in final
    assert "pip" not in final
    assert text.count("FROM ") == 2
    for line in text.replace("\\\n", " ").splitlines():
        if "pip install" in line and "-r " in line:
            assert "--require-hashes" in line


def test_what_an_installation_needs_is_executable(project_root: Path) -> None:
    for name in ("packaging/install-offline", "tools/wheelhouse"):
        assert os.access(project_root / name, os.X_OK), name
