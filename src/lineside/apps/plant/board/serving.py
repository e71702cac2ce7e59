"""Serving the board: live streams are ended first when the server stops, so that stopping is quick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.applications import Starlette

from lineside.adapters.http_serving import RECEIPT, DeadlineProtocol, TlsFiles, serve_pages
from lineside.apps.plant.board.context import Board

__all__ = ["DeadlineProtocol", "TlsFiles", "serve_board"]


async def serve_board(
    app: Starlette,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    tls: TlsFiles | None = None,
    ready: Callable[[int], None] | None = None,
    deadline: float = RECEIPT,
) -> None:
    """Serve what `create_app` returned until ``stop`` is set; the arguments are those of `serve_pages`.

    Raises:
        ConfigurationError: the address cannot be listened at.
    """
    board: Board = app.state.board
    await serve_pages(
        app, host=host, port=port, stop=stop, tls=tls, ready=ready, deadline=deadline, before_stop=board.broadcast.close
    )
