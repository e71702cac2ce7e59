"""A message in the language of its target: the sentences that every channel lays out in its own way."""

from __future__ import annotations

from dataclasses import replace

from lineside.domain.notifying.messages import Message
from lineside.domain.said import Language, Tongue, say


def in_words(message: Message, language: Language, speak: Tongue) -> Message:
    """Return a message with the plan's texts in a language, its links leading to pages in that language."""
    return replace(
        message,
        station_label=speak(message.station_label),
        characteristic_label=speak(message.characteristic_label),
        text=speak(message.text),
        step=speak(message.step),
        role=speak(message.role),
        link=_spoken(message.link, language),
        answer=_spoken(message.answer, language),
    )


def lines(message: Message, speak: Tongue, most: int | None = None) -> list[str]:
    """Return what a message says below its title, in sentences: what, what to do, which units, since when."""
    since = speak(message.since) if message.raised else ""
    return [line for line in (message.text, to_do(message, speak), hold_back(message, speak, most), since) if line]


def to_do(message: Message, speak: Tongue) -> str:
    """Return the first step in words, empty where there is none."""
    return speak(say("Do now: {step}", step=message.step)) if message.step else ""


def hold_back(message: Message, speak: Tongue, most: int | None = None) -> str:
    """Return in words which units are held back, ``most`` of them by name (None: all); empty where there are none."""
    if not message.suspects:
        return ""
    named = message.suspects[:most]
    more = len(message.suspects) - len(named)
    rest = [speak(say("and {count} more", count=more))] if more else []
    return speak(say("Hold back: {serials}", serials=", ".join([*named, *rest])))


def links(message: Message, speak: Tongue) -> list[tuple[str, str]]:
    """Return the pages that a message leads to, each with what its button says: one that answers, and the card."""
    found = ((speak(say("Answer")), message.answer), (speak(say("Open the alert")), message.link))
    return [(title, address) for title, address in found if address]


def _spoken(address: str, language: Language) -> str:
    return f"{address}?language={language}" if address else ""
