"""Secrets that a plan names and never holds: from the environment, the service manager, or a file beside the keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from lineside.domain.errors import ConfigurationError

PREFIX: Final = "LINESIDE_SECRET_"


def find_secret(name: str, keys: Path) -> str:
    """Return the secret of that name, ``""`` where the plan names none.

    It is the variable ``LINESIDE_SECRET_<NAME>``, else the credential ``secret_<name>`` that systemd has loaded for
    this service, else the file ``<name>.secret`` in the folder of keys, which its owner alone may read.

    Raises:
        ConfigurationError: there is neither, or others can read the file.
    """
    if not name:
        return ""
    given = os.environ.get(PREFIX + name.upper())
    if given is not None:
        return given
    loaded = Path(os.environ.get("CREDENTIALS_DIRECTORY", os.devnull)) / f"secret_{name}"
    if loaded.is_file():  # the service manager has seen to who can read it
        return loaded.read_text(encoding="utf-8").strip()
    path = keys / f"{name}.secret"
    if not path.exists():
        raise ConfigurationError(
            "a secret that the plan names is not there",
            field=name,
            next_step=f"set {PREFIX}{name.upper()}, or write it to {path} with mode 0600",
        )
    if path.stat().st_mode & 0o077:
        raise ConfigurationError("others can read a secret", where=str(path), next_step="set its mode to 0600")
    return path.read_text(encoding="utf-8").strip()
