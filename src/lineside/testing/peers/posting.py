"""A machine that can only post: it signs each message, and sends it again until it is confirmed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import httpx

from lineside.domain.intake.signed_posts import secret_bytes, sign

SECRET: Final = "whsec_bGluZXNpZGUtdGVzdC1zZWNyZXQtb2YtYS1tYWNoaW5l"  # noqa: S105 - of a test
_numbers: Final = count(1)


@dataclass(slots=True)
class PostingMachine:
    """Posts to ``url``; messages wait in order until each has been answered with 2xx."""

    url: str
    waiting: deque[tuple[str, bytes]] = field(default_factory=deque)
    answers: list[int] = field(default_factory=list)
    _task: asyncio.Task[None] | None = None

    def send(self, content: object) -> None:
        """Queue a message."""
        self.waiting.append((f"msg-{next(_numbers)}", json.dumps(content).encode()))

    async def start(self) -> None:
        """Begin to post."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, as if it were switched off; what waits is kept."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=20) as client:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    await self._round(client)
                await asyncio.sleep(0.02)

    async def _round(self, client: httpx.AsyncClient) -> None:
        """Post everything that waits, once and in order; what is not confirmed waits on."""
        for number, body in list(self.waiting):
            answer = await client.post(self.url, content=body, headers=signed(number, body))
            self.answers.append(answer.status_code)
            if answer.is_success:
                self.waiting.remove((number, body))


def signed(number: str, body: bytes, *, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """Return the headers of a message."""
    timestamp = str(int(time.time() if at is None else at))
    signature = sign(secret_bytes(secret), number, timestamp, body)
    return {
        "webhook-id": number,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
        "content-type": "application/json",
    }
