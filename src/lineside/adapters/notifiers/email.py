"""E-mail by SMTP: over TLS from the first byte, or after STARTTLS; in plain only where the administrator says so."""

from __future__ import annotations

import asyncio
import hashlib
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final

from lineside.adapters.notifiers.posting import Poster
from lineside.domain.errors import ConfigurationError
from lineside.domain.notifying.addresses import chosen_address
from lineside.domain.notifying.delivery import Deferred, Delivered, Outcome, Refused
from lineside.domain.notifying.messages import Message
from lineside.domain.notifying.routing import Target
from lineside.domain.notifying.wording import in_words, lines, links
from lineside.domain.said import Tongue

SECURITIES: Final = ("starttls", "tls", "none")
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


class EmailNotifier:
    """Sends one mail to every recipient of the target."""

    def __init__(self, target: Target, poster: Poster, secrets: Callable[[str], str], speak: Tongue) -> None:
        self._target, self._poster, self._secrets, self._speak = target, poster, secrets, speak

    async def deliver(self, message: Message) -> Outcome:
        """Send a message."""
        options = self._target.options
        security = options.get("security", "starttls")
        where = f"targets.{self._target.id}"
        if security not in _PORTS:
            return Refused(f"{where}.security: '{security}' is none of {', '.join(SECURITIES)}")
        port = int(options.get("port", _PORTS[security]))
        try:
            password = self._secrets(options.get("secret", ""))
            found = await self._poster.resolve(options["host"], port)
            address = chosen_address(found, self._poster.inside, encrypted=security != "none", field=f"{where}.host")
        except ConfigurationError as error:
            return Deferred(str(error))
        except OSError:
            return Deferred("the name of the mail server cannot be resolved")
        mail = mail_of(
            in_words(message, self._target.language, self._speak), options["from"], options["to"], self._speak
        )
        return await asyncio.to_thread(self._send, mail, address, port, security, password)

    def _send(self, mail: EmailMessage, address: str, port: int, security: str, password: str) -> Outcome:
        options = self._target.options
        context = ssl.create_default_context(cafile=options.get("authority") or None)
        try:
            with _connection(options["host"], address, port, security, context, self._poster.timeout) as server:
                if options.get("user"):
                    server.login(options["user"], password)
                refused = server.send_message(mail)
        except smtplib.SMTPAuthenticationError:
            return Deferred("the mail server does not take user name and secret")
        except smtplib.SMTPResponseException as error:
            said = f"the mail server answered {error.smtp_code}"
            return Refused(said) if 500 <= error.smtp_code < 600 else Deferred(said)
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            said = f"the mail server takes none of the recipients ({', '.join(map(str, sorted(codes)))})"
            return Refused(said) if min(codes) >= 500 else Deferred(said)
        except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
            return Deferred(f"the mail server cannot be used: {type(error).__name__}")
        return Delivered() if not refused else Delivered(f"not to {', '.join(sorted(refused))}")


class _Pinned(smtplib.SMTP):
    """A connection to an address that was chosen already; certificates are checked against the server's name."""

    def __init__(self, host: str, address: str, port: int, timeout: float) -> None:
        self._address = address
        super().__init__(host, port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as the base
        del host
        return super()._get_socket(self._address, port, timeout)  # type: ignore[misc]


class _PinnedTls(_Pinned):
    """The same, encrypted from the first byte."""

    def __init__(self, host: str, address: str, port: int, timeout: float, context: ssl.SSLContext) -> None:
        self._context, self._name = context, host
        super().__init__(host, address, port, timeout)

    def _get_socket(self, host: str, port: int, timeout: float):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as the base
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=self._name)


def _connection(
    host: str, address: str, port: int, security: str, context: ssl.SSLContext, timeout: float
) -> smtplib.SMTP:
    if security == "tls":
        return _PinnedTls(host, address, port, timeout, context)
    server = _Pinned(host, address, port, timeout)
    if security == "starttls":
        server.starttls(context=context)
    return server


def mail_of(message: Message, sender: str, recipients: str, speak: Tongue) -> EmailMessage:
    """Return the mail; its Message-ID is the same at every attempt, so that a reader's program shows it once."""
    mail, title = EmailMessage(), speak(message.title)
    mail["Subject"] = " ".join(title.split())
    mail["From"] = sender
    mail["To"] = recipients
    mail["Date"] = formatdate(message.time / 1e9)
    domain = sender.rpartition("@")[2].strip(" >") or "lineside"
    mail["Message-ID"] = f"<{hashlib.sha256(message.id.encode()).hexdigest()[:32]}@{domain}>"
    thread = hashlib.sha256(message.alert.encode()).hexdigest()[:32]
    mail["References"] = f"<{thread}@{domain}>"
    said = [title, *lines(message, speak)]
    said += [f"{name}: {address}" for name, address in links(message, speak)]
    mail.set_content("\n\n".join(said))
    return mail
