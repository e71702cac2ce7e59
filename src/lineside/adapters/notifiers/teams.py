"""Microsoft Teams: an Adaptive Card to the workflow "When a Teams webhook request is received".

The whole address is a secret, since whoever has it can post. A card larger than Teams takes (28 KB) is shortened where
it can be (serials, then text) and says so.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from lineside.domain.notifying.messages import Message
from lineside.domain.notifying.wording import hold_back, links, to_do
from lineside.domain.plan.model import Priority
from lineside.domain.said import Tongue, say

LARGEST: Final = 28 * 1024
_SOME: Final = 10
_COLOURS: Final = {Priority.CRITICAL: "attention", Priority.HIGH: "warning", Priority.ADVISORY: "default"}


def card_body(message: Message, speak: Tongue) -> bytes:
    """Return the request's body, within what Teams takes."""
    short = replace(message, text=f"{message.text[:500]}…", step="")
    for shorter, most in ((message, None), (message, _SOME), (short, _SOME)):
        body = json.dumps(_envelope(shorter, speak, most), ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) <= LARGEST:
            break
    return body


def _envelope(message: Message, speak: Tongue, most: int | None) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [item for item in _blocks(message, speak, most) if item],
        "actions": [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in links(message, speak)],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [content]}


def _blocks(message: Message, speak: Tongue, most: int | None) -> list[dict[str, Any]]:
    step, held = to_do(message, speak), hold_back(message, speak, most)
    role = speak(say("For {name}", name=message.role)) if message.role else ""
    since = speak(message.since) if message.raised else ""
    return [
        _text(speak(message.title), weight="bolder", size="medium", color=_COLOURS[message.priority]),
        _text(message.text),
        _text(step, weight="bolder"),
        _text(held),
        _text(" · ".join(said for said in (role, since) if said), isSubtle=True),
    ]


def _text(text: str, **look: object) -> dict[str, Any]:
    """Return a block of text, nothing where there is none."""
    return {"type": "TextBlock", "wrap": True, "text": text, **look} if text else {}
