"""Microsoft Teams: an Adaptive Card to the workflow "When a Teams webhook request is received".

The whole address is a secret, since whoever has it can post. A card larger than Teams takes (28 KB) is shortened where
it can be (serials, then text) and says so.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from lineside.domain.notifying.messages import Message
from lineside.domain.plan.model import Priority

LARGEST: Final = 28 * 1024
_SOME: Final = 10
_COLOURS: Final = {Priority.CRITICAL: "attention", Priority.HIGH: "warning", Priority.ADVISORY: "default"}


def card_body(message: Message) -> bytes:
    """Return the request's body, within what Teams takes."""
    for shorter in (message, _fewer(message), replace(_fewer(message), text=f"{message.text[:500]}…", step="")):
        body = json.dumps(_envelope(shorter), ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) <= LARGEST:
            break
    return body


def _fewer(message: Message) -> Message:
    if len(message.suspects) <= _SOME:
        return message
    return replace(message, suspects=(*message.suspects[:_SOME], f"and {len(message.suspects) - _SOME} more"))


def _envelope(message: Message) -> dict[str, Any]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [item for item in _blocks(message) if item],
        "actions": [
            {"type": "Action.OpenUrl", "title": title, "url": url}
            for title, url in (("Answer", message.answer), ("Open the alert", message.link))
            if url
        ],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [content]}


def _blocks(message: Message) -> list[dict[str, Any]]:
    text = {"type": "TextBlock", "wrap": True}
    facts = [{"title": "Hold back", "value": ", ".join(message.suspects)}] if message.suspects else []
    facts += [{"title": "For", "value": message.role}] if message.role else []
    return [
        {**text, "text": message.title, "weight": "bolder", "size": "medium", "color": _COLOURS[message.priority]},
        {**text, "text": message.text} if message.text else {},
        {**text, "text": f"**Do now:** {message.step}"} if message.step else {},
        {"type": "FactSet", "facts": facts} if facts else {},
    ]
