"""Accounts and the one-time codes with which people get into them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from lineside.adapters.state_sql.store import Store
from lineside.adapters.state_sql.tables import accounts, codes, devices, sessions
from lineside.domain.access import AccessRole, Account, CodePurpose, OneTimeCode
from lineside.domain.errors import InputError
from lineside.domain.said import say


def login_form(name: str) -> str:
    """Return a name as it is compared: without case and outer blanks."""
    return name.strip().casefold()


def account_of(row: Row[Any]) -> Account:
    """Return the account that a row holds."""
    return Account(
        id=row.id,
        name=row.name,
        role=AccessRole(row.role),
        pseudonym=row.pseudonym,
        created=row.created,
        disabled=row.disabled,
        password=row.password,
        language=row.language,
    )


class Accounts(Store):
    """Who may use the board. What ends somebody's rights ends their sessions in the same transaction."""

    async def add(self, account: Account) -> None:
        """Add an account.

        Raises:
            InputError: the name is taken.
        """

        def work(connection: Connection) -> None:
            if _named(connection, account.name) is not None:
                raise InputError(say("this name is taken"), field="name", next_step=say("choose another"))
            values = {
                "id": account.id,
                "name": account.name.strip(),
                "login": login_form(account.name),
                "pseudonym": account.pseudonym,
                "role": account.role.value,
                "password": account.password,
                "disabled": account.disabled,
                "created": account.created,
                "language": account.language,
            }
            connection.execute(insert(accounts).values(values))

        await self._run(work)

    async def named(self, name: str) -> Account | None:
        """Return the account of that name, None where there is none."""
        return await self._run(lambda connection: _named(connection, name))

    async def with_id(self, account_id: str) -> Account | None:
        """Return the account of that id, None where there is none."""

        def work(connection: Connection) -> Account | None:
            row = connection.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none()
            return None if row is None else account_of(row)

        return await self._run(work)

    async def all(self) -> tuple[Account, ...]:
        """Return every account, by name."""
        return await self._run(
            lambda connection: tuple(
                account_of(row) for row in connection.execute(select(accounts).order_by(accounts.c.login))
            )
        )

    async def count(self) -> int:
        """Return the number of accounts."""
        return await self._run(
            lambda connection: connection.execute(select(func.count()).select_from(accounts)).scalar_one()
        )

    async def set_password(self, account_id: str, password_hash: str) -> None:
        """Set a password's hash; every session and known device of the account ends."""

        def work(connection: Connection) -> None:
            _change(connection, account_id, password=password_hash)
            _forget_logins(connection, account_id)

        await self._run(work)

    async def set_role(self, account_id: str, role: AccessRole) -> None:
        """Set the role; it holds from the next request on."""
        await self._run(lambda connection: _change(connection, account_id, role=role.value))

    async def set_language(self, account_id: str, language: str) -> None:
        """Set the language that somebody reads."""
        await self._run(lambda connection: _change(connection, account_id, language=language))

    async def set_disabled(self, account_id: str, disabled: bool) -> None:  # noqa: FBT001 - the value to set
        """Disable an account, which ends its sessions, or enable it again."""

        def work(connection: Connection) -> None:
            _change(connection, account_id, disabled=disabled)
            if disabled:
                _forget_logins(connection, account_id)
                connection.execute(delete(codes).where(codes.c.account_id == account_id))

        await self._run(work)

    async def add_code(self, code: OneTimeCode) -> None:
        """Keep a one-time code; earlier ones for the same purpose and account end."""

        def work(connection: Connection) -> None:
            same = (codes.c.purpose == code.purpose.value) & (codes.c.account_id == code.account_id)
            connection.execute(delete(codes).where(same))
            connection.execute(
                insert(codes).values(
                    code_hash=code.code_hash,
                    purpose=code.purpose.value,
                    account_id=code.account_id,
                    expires=code.expires,
                )
            )

        await self._run(work)

    async def code(self, code_hash: str, now: int) -> OneTimeCode | None:
        """Return the code while it holds, None otherwise."""
        return await self._run(lambda connection: _code(connection, code_hash, now))

    async def take_code(self, code_hash: str, now: int) -> OneTimeCode | None:
        """Return the code and end it, in one step; None where it does not hold."""

        def work(connection: Connection) -> OneTimeCode | None:
            found = _code(connection, code_hash, now)
            taken = connection.execute(delete(codes).where(codes.c.code_hash == code_hash)).rowcount
            return found if taken else None

        return await self._run(work)


def _named(connection: Connection, name: str) -> Account | None:
    if "\0" in name:  # PostgreSQL refuses it as a parameter
        return None
    row = connection.execute(select(accounts).where(accounts.c.login == login_form(name))).one_or_none()
    return None if row is None else account_of(row)


def _change(connection: Connection, account_id: str, **values: object) -> None:
    changed = connection.execute(update(accounts).where(accounts.c.id == account_id).values(**values))
    if not changed.rowcount:
        raise InputError("no such account", field="account", value=account_id)


def _forget_logins(connection: Connection, account_id: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.account_id == account_id))
    connection.execute(delete(devices).where(devices.c.account_id == account_id))


def _code(connection: Connection, code_hash: str, now: int) -> OneTimeCode | None:
    row = connection.execute(
        select(codes).where((codes.c.code_hash == code_hash) & (codes.c.expires > now))
    ).one_or_none()
    if row is None:
        return None
    return OneTimeCode(
        code_hash=row.code_hash, purpose=CodePurpose(row.purpose), expires=row.expires, account_id=row.account_id
    )
