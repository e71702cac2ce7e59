"""Who comes in: first admin, login, logout, one-time codes and slowing down those who guess.

Guessing is slowed per account and per address: five failures in five minutes, then no password is tried until
the window has moved on, so nobody is ever locked out for good. A browser that has logged into an account
before is counted by itself: whoever hammers an account from elsewhere does not keep its owner out.
Whether a name exists makes no difference to the answer nor to the time it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lineside.adapters.state_sql import SqlState
from lineside.apps.plant.board.passwords import Passwords, check_password
from lineside.apps.plant.board.settings import BoardSettings
from lineside.apps.plant.board.tokens import hashed, new_pseudonym, new_secret
from lineside.domain.access import AccessRole, Account, CodePurpose, OneTimeCode, Session
from lineside.domain.errors import InputError
from lineside.domain.said import say
from lineside.domain.units import HOUR, MINUTE
from lineside.ports import AuditLog, Clock

WINDOW: Final = 5 * MINUTE
MOST_FAILURES: Final = 5
CODE_LIFETIME: Final = HOUR
_TOUCH_EVERY: Final = MINUTE


class LoginRefusedError(InputError):
    """Name and password do not open an account; ``later`` where no password was tried."""

    def __init__(self, *, later: bool = False) -> None:
        super().__init__("too many failed attempts" if later else "name or password is wrong")
        self.later = later


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Somebody has come in: the secrets for the browser."""

    account: Account
    session: str
    device: str


class Doorkeeper:
    """Lets people in and out; every event is in the audit record before it takes effect."""

    def __init__(
        self, *, state: SqlState, audit: AuditLog, clock: Clock, passwords: Passwords, settings: BoardSettings
    ) -> None:
        self._state = state
        self._audit = audit
        self._clock = clock
        self._passwords = passwords
        self._settings = settings

    async def log_in(self, name: str, password: str, *, address: str, device: str) -> Entry:
        """Return the entry of somebody who knows an account's password.

        Args:
            name: the account's name.
            password: what was typed.
            address: where the request came from.
            device: the secret of a browser that has been in before, or nothing.

        Raises:
            LoginRefusedError: name or password is wrong, or there were too many failures.
        """
        account = await self._state.accounts.named(name)
        known = await self._state.sessions.knows_device(hashed(device), "" if account is None else account.id)
        about = (
            [f"device:{hashed(device)}"]
            if known
            else [f"account:{hashed(name.strip().casefold())}", f"address:{address}"]
        )
        found = await self._try(account, password, about, address)
        return await self.admit(found, address=address, device=device if known else "")

    async def admit(self, account: Account, *, address: str, device: str = "", how: str = "password") -> Entry:
        """Open a new session for somebody who has shown who they are."""
        await self._audit.append("login", {"account": account.signature, "address": address, "how": how})
        now = self._clock.now()
        session = new_secret()
        await self._state.sessions.add(hashed(session), account.id, now)
        if not device:
            device = new_secret()
            await self._state.sessions.know_device(hashed(device), account.id, now)
        return Entry(account=account, session=session, device=device)

    async def session(self, secret: str) -> Session | None:
        """Return the session of a secret while it holds, and note that it was used."""
        if not secret:
            return None
        found = await self._state.sessions.get(hashed(secret))
        now = self._clock.now()
        if found is None:
            return None
        if found.created < now - self._settings.absolute_timeout or found.used < now - self._settings.idle_timeout:
            await self._state.sessions.end(found.token_hash)
            return None
        if now - found.used > _TOUCH_EVERY:
            await self._state.sessions.touch(found.token_hash, now)
        return found

    async def holding(self, token_hashes: list[str]) -> frozenset[str]:
        """Return those of the sessions that still hold."""
        now = self._clock.now()
        limits = now - self._settings.absolute_timeout, now - self._settings.idle_timeout
        return await self._state.sessions.holding(token_hashes, *limits)

    async def log_out(self, session: Session) -> None:
        """End a session."""
        await self._audit.append("logout", {"account": session.account.signature})
        await self._state.sessions.end(session.token_hash)

    async def code(self, secret: str, *, address: str) -> OneTimeCode:
        """Return the one-time code of a secret without ending it; refuses those who guess as `log_in` does."""
        now = self._clock.now()
        attempt = await self._state.attempts.begin([f"address:{address}"], now, since=now - WINDOW, most=MOST_FAILURES)
        found = await self._state.accounts.code(hashed(secret), now) if attempt else None
        if found is None:
            await self._audit.append("code_refused", {"address": address})
            raise LoginRefusedError(later=not attempt)
        await self._state.attempts.forgive(attempt)
        return found

    async def use_code(self, secret: str, *, address: str, name: str = "", password: str = "") -> Entry:
        """Take a one-time code: make the first admin, set a password, or log in.

        Raises:
            LoginRefusedError: the code does not hold (any more).
            InputError: the name or the password is refused; the code still holds.
        """
        code = await self.code(secret, address=address)
        account = await self._bearer(code, name)
        if code.purpose is not CodePurpose.LOGIN:
            self.check(password, account.name)
            password_hash = await self._passwords.hash(password)
        if await self._state.accounts.take_code(code.code_hash, self._clock.now()) is None:
            raise LoginRefusedError
        if code.purpose is CodePurpose.FIRST_ADMIN:
            await self._make_first(account)
        if code.purpose is not CodePurpose.LOGIN:
            await self._state.accounts.set_password(account.id, password_hash)
        return await self.admit(account, address=address, how=code.purpose.value)

    def check(self, password: str, name: str) -> None:
        """Refuse a password that is too short or too common."""
        check_password(password, least=self._settings.least_password, context=(name, "lineside"))

    async def known(self, name: str, password: str, *, address: str) -> Account:
        """Return the account of somebody who knows its password, without letting them in: a signature, not a session.

        Raises:
            LoginRefusedError: name or password is wrong, or there were too many failures.
        """
        account = await self._state.accounts.named(name)
        about = [f"account:{hashed(name.strip().casefold())}", f"address:{address}"]
        return await self._try(account, password, about, address)

    async def check_again(self, account: Account, password: str, *, address: str) -> None:
        """Refuse somebody who is logged in and does not know the account's password; accounts without one pass."""
        if account.password:
            await self._try(account, password, [f"account:{account.id}", f"address:{address}"], address)

    async def change_password(self, account: Account, password: str) -> None:
        """Set a new password; every session of the account ends."""
        self.check(password, account.name)
        await self._audit.append("password_changed", {"account": account.signature})
        await self._state.accounts.set_password(account.id, await self._passwords.hash(password))

    async def _try(self, account: Account | None, password: str, about: list[str], address: str) -> Account:
        """Return the account if the password is its own; unknown and disabled ones take the same steps."""
        now = self._clock.now()
        attempt = await self._state.attempts.begin(about, now, since=now - WINDOW, most=MOST_FAILURES)
        if not attempt:
            await self._audit.append("login_slowed", {"address": address})
            raise LoginRefusedError(later=True)
        usable = account is not None and not account.disabled
        fits = await self._passwords.verify(account.password if account is not None and usable else "", password)
        if account is None or not fits:
            await self._audit.append("login_failed", {"address": address, "account": _signature(account)})
            raise LoginRefusedError
        await self._state.attempts.forgive(attempt)
        return account

    async def _bearer(self, code: OneTimeCode, name: str) -> Account:
        if code.purpose is not CodePurpose.FIRST_ADMIN:
            found = await self._state.accounts.with_id(code.account_id)
            if found is None or found.disabled:
                raise LoginRefusedError
            return found
        if await self._state.accounts.count():
            raise LoginRefusedError
        return new_account(name, AccessRole.ADMIN, self._clock.now())

    async def _make_first(self, account: Account) -> None:
        await self._audit.append("account_added", {"account": account.signature, "by": "first run"})
        await self._state.accounts.add(account)


def new_account(name: str, role: AccessRole, now: int) -> Account:
    """Return a new account without a password.

    Raises:
        InputError: the name is empty or too long.
    """
    text = " ".join(name.split())
    if not 2 <= len(text) <= 100 or not text.isprintable():
        raise InputError(say("use 2 to 100 characters"), field="name")
    return Account(id=new_secret()[:22], name=text, role=role, pseudonym=new_pseudonym(), created=now)


async def issue_code(
    state: SqlState, now: int, *, purpose: CodePurpose, account_id: str = "", lifetime: int = CODE_LIFETIME
) -> str:
    """Return a new one-time code, good until ``now + lifetime`` (UTC ns); only its hash is kept."""
    secret = new_secret()
    code = OneTimeCode(code_hash=hashed(secret), purpose=purpose, expires=now + lifetime, account_id=account_id)
    await state.accounts.add_code(code)
    return secret


async def first_run_code(state: SqlState, now: int, *, lifetime: int = CODE_LIFETIME) -> str | None:
    """Return a new code with which the first admin makes an account; None where there are accounts already."""
    if await state.accounts.count():
        return None
    return await issue_code(state, now, purpose=CodePurpose.FIRST_ADMIN, lifetime=lifetime)


async def demo_login_code(state: SqlState, audit: AuditLog, now: int, *, lifetime: int = CODE_LIFETIME) -> str:
    """Return a new code that logs a visitor of the demo straight in, as an admin without a password."""
    account = await state.accounts.named("visitor")
    if account is None:
        account = new_account("visitor", AccessRole.ADMIN, now)
        await audit.append("account_added", {"account": account.signature, "by": "demo"})
        await state.accounts.add(account)
    return await issue_code(state, now, purpose=CodePurpose.LOGIN, account_id=account.id, lifetime=lifetime)


def _signature(account: Account | None) -> str:
    return "" if account is None else account.signature
