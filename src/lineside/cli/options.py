"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from lineside.adapters.gateway_identity import load_identity
from lineside.adapters.nats_bus import NatsAddress
from lineside.adapters.nats_server import read_address
from lineside.apps.gateway.enrol import address_of
from lineside.apps.layout import Layout
from lineside.domain.errors import ConfigurationError, InputError
from lineside.domain.units import SECOND

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


def since_option(function: _F) -> _F:
    """Add ``--since``: a moment in UTC ns, 0 where it is not given."""
    return click.option(
        "--since",
        default="",
        metavar="TIME",
        callback=lambda _context, _option, text: moment(text, "--since") if text else 0,
        help="Learn only from parts made since then, as 2026-03-31T22:00:00+00:00 [default: from all].",
    )(function)


def moment(text: str, field: str) -> int:
    """Return a time that somebody wrote (ISO 8601; UTC where it names no zone) in UTC ns.

    Raises:
        InputError: it is no time.
    """
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("not a time", field=field, value=text, next_step="write 2026-03-31T22:00:00+00:00") from error
    aware = found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
    return int(aware.timestamp()) * SECOND


def nats_option(function: _F) -> _F:
    """Add ``--nats``."""
    return click.option(
        "--nats",
        default="",
        envvar="LINESIDE_NATS_URL",
        help="URL of the NATS server; empty: the embedded one of the data folder.",
    )(function)


def plain_lab_option(function: _F) -> _F:
    """Add ``--plain-lab``."""
    return click.option(
        "--plain-lab",
        is_flag=True,
        envvar="LINESIDE_PLAIN_LAB",
        help="Allow a transport without TLS beyond this machine: only where the network is nobody else's.",
    )(function)


def transport_option(function: _F) -> _F:
    """Add ``--transport``."""
    return click.option(
        "--transport",
        default="",
        help="host:port at which gateways elsewhere reach the transport, over TLS; default: loopback only.",
    )(function)


def clock_option(function: _F) -> _F:
    """Add ``--clock``, which only a simulated line needs."""
    return click.option("--clock", default="", hidden=True, help="speed:origin:began of a simulated line.")(function)


def nats_address(url: str, data: Path, *, lab: bool = False) -> NatsAddress:
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
    return NatsAddress(
        url=url or (known.url if known is not None else ""),
        user=os.environ.get("LINESIDE_NATS_USER", known.user if known is not None else ""),
        password=os.environ.get("LINESIDE_NATS_PASSWORD", known.password if known is not None else ""),
        authority=_authority(known.authority if known is not None else b""),
        lab=lab,
    )


def gateway_address(url: str, data: Path, *, lab: bool = False) -> NatsAddress:
    """Return the address of the NATS server for a gateway: with its own key, where it is enrolled.

    Raises:
        ConfigurationError: it is not enrolled, and no other address is known.
    """
    identity = load_identity(Layout(data).identity)
    return nats_address(url, data, lab=lab) if identity is None else address_of(identity, url=url, lab=lab)


def gateway_name(name: str, data: Path) -> str:
    """Return a gateway's name: as given, else as it is enrolled, else ``gateway``."""
    identity = load_identity(Layout(data).identity)
    return name or (identity.facts.gateway if identity is not None else "gateway")


def _authority(known: bytes) -> bytes:
    named = os.environ.get("LINESIDE_NATS_AUTHORITY")
    return Path(named).read_bytes() if named else known
