"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from lineside.adapters.nats_bus import NatsAddress
from lineside.adapters.nats_server import read_address
from lineside.apps.layout import Layout
from lineside.domain.errors import ConfigurationError

_F = TypeVar("_F", bound=Callable[..., Any])

DEFAULT_DATA = Path(".lineside")


def plan_option(function: _F) -> _F:
    """Add ``--plan``."""
    return click.option(
        "--plan", type=click.Path(path_type=Path), required=True, help="The line's control plan (YAML)."
    )(function)


def data_option(function: _F) -> _F:
    """Add ``--data``."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_DATA,
        show_default=True,
        envvar="LINESIDE_DATA_DIR",
        help="Folder of everything that is kept.",
    )(function)


def nats_option(function: _F) -> _F:
    """Add ``--nats``."""
    return click.option(
        "--nats",
        default="",
        envvar="LINESIDE_NATS_URL",
        help="URL of the NATS server; empty: the embedded one of the data folder.",
    )(function)


def clock_option(function: _F) -> _F:
    """Add ``--clock``, which only a simulated line needs."""
    return click.option("--clock", default="", hidden=True, help="speed:origin:began of a simulated line.")(function)


def nats_address(url: str, data: Path) -> NatsAddress:
    """Return the address of the NATS server, with credentials from the environment or the data folder.

    Raises:
        ConfigurationError: no address is given and no embedded server has run in this data folder.
    """
    known = read_address(Layout(data).nats)
    if not url and known is None:
        raise ConfigurationError(
            "no NATS server is known",
            field="--nats",
            next_step="give its URL, or start `lineside up` with this data folder first",
        )
    user = os.environ.get("LINESIDE_NATS_USER", known.user if known is not None else "")
    password = os.environ.get("LINESIDE_NATS_PASSWORD", known.password if known is not None else "")
    return NatsAddress(url=url or (known.url if known is not None else ""), user=user, password=password)
