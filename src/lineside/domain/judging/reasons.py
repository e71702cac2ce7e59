"""Why a part was judged as it was, read back out of a record.

Predictions and alerts record plain English. Who shows a record reads it back by the pattern that it was made of, so
that it can be said in the language of whoever reads it, years later too. What is not recognised stays as it stands.
"""

from __future__ import annotations

from typing import Final

from lineside.domain.judging.wording import NO_JUDGEMENT
from lineside.domain.said import Said, Value, planned, quantity, reader_of, say, word

_PATTERNS: Final = tuple(
    item.value
    for item in (
        word("{what}; judged without {signals}"),
        word("judged without {signals}"),
        word("{signal} {value}: never learned together with the other conditions of now."),
        word("{signal} {value}: warmer than anything learned (up to {bound})."),
        word("{signal} {value}: colder than anything learned (down to {bound})."),
        word("{signal} {value}: higher than anything learned (up to {bound})."),
        word("{signal} {value}: lower than anything learned (down to {bound})."),
        word("warming up: {count} of {all} good parts of {setup}"),
        word("farther off than any setup was seen, {count} of {all} good parts of {setup}"),
        word("the model looks {count} parts back"),
        word("the score is not a number"),
    )
)
_LONGEST: Final = 1_000
"""Characters of a text that is read back: a record may come from anywhere."""
_FORMS: Final = {"value": r"-?\d\S*(?: \S+)?", "bound": r"\S+", "count": r"\d+", "all": r"\d+"}
"""What stands for a value, where it is not just anything."""


_READERS: Final = tuple((pattern, reader_of(pattern, _FORMS)) for pattern in _PATTERNS)


def recall(text: str) -> tuple[str, ...]:
    """Return the sentences of a recorded text, those of ours as `Said`; the plan's own words stay a text.

    Nothing where none of them is ours.
    """
    head, mark, rest = text.partition(NO_JUDGEMENT)
    reason = _recalled(head.strip())
    if reason is None:
        return ()
    more = rest.strip().removeprefix("; ")
    return tuple(said for said in (reason, NO_JUDGEMENT if mark else "", _recalled(more) or more) if said)


def _recalled(text: str, first: int = 0) -> Said | None:
    """Return what a text was made of, by the readers from the ``first`` on."""
    for pattern, reader in _READERS[first:] if len(text) <= _LONGEST else ():
        found = reader.fullmatch(text)
        if found is not None:
            return say(pattern, **{name: _value(name, value) for name, value in found.groupdict().items()})
    return None


def _value(name: str, text: str) -> Value | str:
    if name == "signal":
        return planned(text)
    if name in {"value", "bound"}:
        return quantity(text)
    if name == "what":
        return _recalled(text, 1) or text  # what was said before is of one piece
    return text
