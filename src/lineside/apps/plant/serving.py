"""What a plant needs to know beside its plan, and how its board is served: address, certificate, first visitor."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette

from lineside.adapters.clocks import SystemClock
from lineside.adapters.nats_bus import NatsAddress
from lineside.adapters.service_manager import READY, tell_manager
from lineside.adapters.tls_authority import LocalCertificate, local_certificate, names_of
from lineside.apps.plant.board import TlsFiles, serve_board


@dataclass(frozen=True, kw_only=True, slots=True)
class PlantSettings:
    """What the plant needs to know beside its plan; ``clock`` is empty but for a simulated line.

    ``writers`` are those of this machine that write with the plant's own credentials, beside enrolled gateways.
    ``https``: serve the board over TLS, with the given certificate and key or one of the local authority.
    """

    plan: Path
    data: Path
    nats: NatsAddress
    host: str = "127.0.0.1"
    port: int = 8800
    https: bool = False
    certificate: Path | None = None
    key: Path | None = None
    clock: str = ""
    demo: bool = False
    writers: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Where the board is."""
        return f"{'https' if self.https else 'http'}://{self.host}:{self.port}"


def local_certificate_for(settings: PlantSettings, keys: Path) -> LocalCertificate | None:
    """Return the certificate of the local authority, None where the board needs none or has one of its own."""
    if not settings.https or settings.certificate is not None:
        return None
    return local_certificate(keys, names_of(settings.host), SystemClock().now())


async def serve_until(
    settings: PlantSettings,
    app: Starlette,
    made: LocalCertificate | None,
    welcome: Callable[[], Awaitable[str | None]],
    *beside: asyncio.Task[None],
) -> None:
    """Serve the board until cancelled, or until something that must run beside it has ended.

    Args:
        settings: where, and with which certificate.
        app: the board.
        made: the local authority's certificate, where it has one.
        welcome: returns the code of a first visitor, once the board can be reached; None: nobody needs one.
        beside: what must run.
    """
    stop, said = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        serve_board(
            app,
            host=settings.host,
            port=settings.port,
            stop=stop,
            tls=_tls(settings, made),
            ready=lambda _: said.set(),
        ),
        name="board",
    )
    saying = asyncio.create_task(_say_address(settings, welcome, said), name="say where the board is")
    try:
        await asyncio.wait([serving, *beside], return_when=asyncio.FIRST_COMPLETED)
        for task in (serving, *beside):
            if task.done():
                task.result()
    finally:
        stop.set()
        saying.cancel()
        await asyncio.gather(serving, saying, return_exceptions=True)


def _tls(settings: PlantSettings, made: LocalCertificate | None) -> TlsFiles | None:
    if made is not None:
        return TlsFiles(certificate=made.certificate, key=made.key)
    if settings.https and settings.certificate is not None:
        return TlsFiles(certificate=settings.certificate, key=settings.key or settings.certificate)
    return None


async def _say_address(
    settings: PlantSettings, welcome: Callable[[], Awaitable[str | None]], ready: asyncio.Event
) -> None:
    """Print where the board is, with the code of a first visitor."""
    await ready.wait()
    tell_manager(READY)
    code = await welcome()
    first = f"{settings.address}/first-run?code={code}" if code is not None else settings.address
    sys.stdout.write(f"board: {first}\n")
    sys.stdout.flush()
