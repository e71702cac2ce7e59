"""The errors Lineside raises on purpose.

::

    LinesideError
    ├── InputError          what was given is wrong: correct it and call again
    │   ├── PlanError       ... in a control plan
    │   └── DataError       ... in readings, part rows or outcomes
    ├── ConfigurationError  the installation cannot work as it is set up
    ├── UnavailableError    something outside does not answer: try again later
    │   └── SourceError     ... a machine, broker or file
    ├── StorageError        what must be durable could not be made so: stop acknowledging
    └── IntegrityError      a record, bundle or chain is not what it claims to be: do not use it

Each names the field, the value found, the valid choices and the next step where they exist, and says
by ``retry`` whether the same call may succeed later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class LinesideError(Exception):
    """Base of every error raised on purpose; ``retry`` is true where the same call may succeed later."""

    retry = False

    def __init__(
        self,
        problem: str,
        *,
        field: str | None = None,
        value: object = None,
        choices: Sequence[object] = (),
        next_step: str | None = None,
        where: str | None = None,
    ) -> None:
        self.problem = problem
        self.field = field
        self.value = value
        self.choices = tuple(choices)
        self.next_step = next_step
        self.where = where
        super().__init__(problem)

    def __str__(self) -> str:
        """Return the problem in one readable line, with all that is known of it."""
        text = self.problem
        if self.field is not None:
            text = f"{self.field}: {text}"
        if self.where is not None:
            text = f"{self.where}: {text}"
        if self.value is not None:
            text += f" (found {_shown(self.value)})"
        if self.choices:
            text += f"; valid: {', '.join(str(choice) for choice in self.choices)}"
        if self.next_step is not None:
            text += f"; {self.next_step}"
        return text


class InputError(LinesideError):
    """What was given is wrong: correct it and call again."""


class PlanError(InputError):
    """A control plan does not say what it must; ``findings`` are its mistakes, each in a readable line of its own."""

    def __init__(self, problem: str, *, findings: Sequence[object] = (), **facts: Any) -> None:
        self.findings = tuple(findings)
        super().__init__(problem, **facts)

    def __str__(self) -> str:
        """Return the problem, and below it every mistake."""
        return "\n  ".join([super().__str__(), *(str(finding) for finding in self.findings)])


class DataError(InputError):
    """Readings, part rows or outcomes do not have the form they must have."""


class ConfigurationError(LinesideError):
    """The installation cannot work as it is set up."""


class UnavailableError(LinesideError):
    """Something outside does not answer: try again later."""

    retry = True


class SourceError(UnavailableError):
    """A machine, broker or file that should deliver readings does not."""


class StorageError(LinesideError):
    """What must be durable could not be made so: acknowledge nothing until it can."""

    retry = True


class IntegrityError(LinesideError):
    """A record, bundle or chain is not what it claims to be: do not use it."""


def _shown(value: object, most: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."
