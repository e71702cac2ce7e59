"""Slack: blocks, with a plain text beside them, to an incoming webhook whose whole address is a secret."""

from __future__ import annotations

import json
from typing import Any, Final

from lineside.domain.notifying.messages import Message

_LONGEST: Final = 3000
"""Characters of a section (Slack, Block Kit)."""


def slack_body(message: Message) -> bytes:
    """Return the request's body."""
    return json.dumps(blocks(message), ensure_ascii=False).encode()


def blocks(message: Message) -> dict[str, Any]:
    """Return a message as Slack wants it."""
    lines = [f"*{_escaped(message.title)}*", _escaped(message.text)]
    lines += [f"*Do now:* {_escaped(message.step)}"] if message.step else []
    if message.suspects:
        more = f" and {len(message.suspects) - 20} more" if len(message.suspects) > 20 else ""
        lines.append(f"Hold back: {_escaped(', '.join(message.suspects[:20]))}{more}")
    buttons = [
        {"type": "button", "text": {"type": "plain_text", "text": title}, "url": url}
        for title, url in (("Answer", message.answer), ("Open the alert", message.link))
        if url
    ]
    text = "\n".join(line for line in lines if line)[:_LONGEST]
    section: dict[str, Any] = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return {
        "text": message.title,
        "blocks": [section, *([{"type": "actions", "elements": buttons}] if buttons else [])],
    }


def _escaped(text: str) -> str:
    """Escape what Slack would read as a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
