"""Changing who may use the board: by an admin's page or by the command line, by the same steps.

Each change is in the audit record before it takes effect.
"""

from __future__ import annotations

from dataclasses import dataclass

from lineside.adapters.state_sql import SqlState
from lineside.apps.plant.board.doorkeeper import first_run_code, issue_code, new_account
from lineside.domain.access import AccessRole, Account, CodePurpose
from lineside.domain.errors import InputError
from lineside.domain.said import say
from lineside.ports import AuditLog, Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class People:
    """The accounts, and what may be done to them; ``by`` names who does it, by role and pseudonym."""

    state: SqlState
    audit: AuditLog
    clock: Clock

    async def all(self) -> tuple[Account, ...]:
        """Return every account, by name."""
        return await self.state.accounts.all()

    async def named(self, name: str) -> Account:
        """Return the account of a name.

        Raises:
            InputError: there is none.
        """
        account = await self.state.accounts.named(name)
        if account is None:
            names = tuple(item.name for item in await self.all())
            raise InputError("no such account", field="name", value=name, choices=names)
        return account

    async def add(self, name: str, role: AccessRole, *, by: str) -> tuple[Account, str]:
        """Add an account; return it with the code by which its owner sets a password.

        Raises:
            InputError: the name is taken, or none.
        """
        account = new_account(name, role, self.clock.now())
        if await self.state.accounts.named(account.name) is not None:
            raise InputError(say("this name is taken"), field="name", next_step=say("choose another"))
        await self._record("account_added", account, by)
        await self.state.accounts.add(account)
        return account, await self._code(account)

    async def reset(self, account: Account, *, by: str) -> str:
        """Return a code by which an account's owner sets a new password; the old one holds until then."""
        if account.disabled:
            raise InputError(
                say("this account is disabled"), field="name", value=account.name, next_step=say("enable it first")
            )
        await self._record("password_reset", account, by)
        return await self._code(account)

    async def set_role(self, account: Account, role: AccessRole, *, by: str) -> None:
        """Set the role; it holds from the next request on."""
        await self._record(f"role_set_{role.value}", account, by)
        await self.state.accounts.set_role(account.id, role)

    async def set_disabled(self, account: Account, *, disabled: bool, by: str) -> None:
        """Shut an account out, which ends its sessions, or let it in again."""
        await self._record("account_disabled" if disabled else "account_enabled", account, by)
        await self.state.accounts.set_disabled(account.id, disabled)

    async def first_code(self) -> str | None:
        """Return a code for the first admin; None where there are accounts already."""
        return await first_run_code(self.state, self.clock.now())

    async def _code(self, account: Account) -> str:
        return await issue_code(self.state, self.clock.now(), purpose=CodePurpose.SET_PASSWORD, account_id=account.id)

    async def _record(self, action: str, account: Account, by: str) -> None:
        await self.audit.append(action, {"account": account.signature, "by": by})
