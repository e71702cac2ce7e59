"""Slack: blocks, with a plain text beside them, to an incoming webhook whose whole address is a secret."""

from __future__ import annotations

import json
from typing import Any, Final

from lineside.domain.notifying.messages import Message
from lineside.domain.notifying.wording import lines, links, to_do
from lineside.domain.said import Tongue

_LONGEST: Final = 3000
"""Characters of a section (Slack, Block Kit)."""
_MOST_SERIALS: Final = 20


def slack_body(message: Message, speak: Tongue) -> bytes:
    """Return the request's body."""
    return json.dumps(blocks(message, speak), ensure_ascii=False).encode()


def blocks(message: Message, speak: Tongue) -> dict[str, Any]:
    """Return a message as Slack wants it."""
    title = speak(message.title)
    loud = {title, to_do(message, speak)}
    said = (
        _escaped(line) if line not in loud else f"*{_escaped(line)}*"
        for line in (title, *lines(message, speak, _MOST_SERIALS))
    )
    buttons = [
        {"type": "button", "text": {"type": "plain_text", "text": name}, "url": url}
        for name, url in links(message, speak)
    ]
    text = "\n".join(said)[:_LONGEST]
    section: dict[str, Any] = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return {
        "text": title,
        "blocks": [section, *([{"type": "actions", "elements": buttons}] if buttons else [])],
    }


def _escaped(text: str) -> str:
    """Escape what Slack would read as a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
