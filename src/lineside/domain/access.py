"""Who may use the board: accounts, their roles, and the pseudonyms by which records know them.

A person appears in alert events and in the audit record as role and pseudonym, never by name; the name stands in
one table only, from which it can be erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class AccessRole(StrEnum):
    """What somebody may do at the board."""

    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMIN = "admin"


ANYONE: Final = frozenset(AccessRole)
"""Every role: whoever is logged in."""
ENGINEERS: Final = frozenset({AccessRole.ENGINEER, AccessRole.ADMIN})
ADMINS: Final = frozenset({AccessRole.ADMIN})


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Somebody who may use the board; times are UTC ns.

    ``password`` is a hash, empty until one has been set; ``language`` is what they read, empty until they have chosen.
    """

    id: str
    name: str
    role: AccessRole
    pseudonym: str
    created: int
    disabled: bool = False
    password: str = ""
    language: str = ""

    @property
    def signature(self) -> str:
        """How records name this person: role and pseudonym."""
        return f"{self.role} {self.pseudonym}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A login that holds: the account as it is now, when it began and when it was last used (UTC ns)."""

    token_hash: str
    account: Account
    created: int
    used: int


class CodePurpose(StrEnum):
    """What a one-time code is good for."""

    FIRST_ADMIN = "first_admin"
    SET_PASSWORD = "set_password"  # noqa: S105 - the name of a purpose, not a secret
    LOGIN = "login"


@dataclass(frozen=True, kw_only=True, slots=True)
class OneTimeCode:
    """A code that works once and not for long; only its hash is kept. ``account_id`` is empty for the first admin."""

    code_hash: str
    purpose: CodePurpose
    expires: int
    account_id: str = ""
