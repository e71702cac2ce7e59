"""Rules about signals, their sources and the envelope."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lineside.domain.errors import ConfigurationError, PlanError
from lineside.domain.listening import parse_listen
from lineside.domain.plan.findings import Finding, Path
from lineside.domain.plan.model import OpcuaSpec, PushSpec, Role, Signal, SignalType, SourceKind, SourceSpec
from lineside.domain.plan.sources.sparkplug import parse_metric_address
from lineside.domain.plan.view import View, mistake, warning

SCHEMES: Final = {
    SourceKind.OPCUA: ("opc.tcp://",),
    SourceKind.MQTT: ("mqtt://", "mqtts://"),
    SourceKind.MODBUS: ("modbus://",),
    SourceKind.MTCONNECT: ("http://", "https://"),
    SourceKind.SPARKPLUG: ("mqtt://", "mqtts://"),
    SourceKind.REST: ("http://", "https://"),
}
_LOOPBACK: Final = re.compile(r"^[a-z.]+://(localhost|127\.\d+\.\d+\.\d+|\[::1\])([:/]|$)")
_SECRET_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def ranges_are_in_order(view: View) -> Iterator[Finding]:
    """Low ends lie below high ends."""
    for position, signal in enumerate(view.plan.signals):
        if signal.range is not None and signal.range[0] >= signal.range[1]:
            yield _order(("signals", position, "range"), *signal.range)
        yield from _setting(("signals", position, "setting"), signal)
    for position, limit in enumerate(view.plan.envelope):
        if limit.low >= limit.high:
            yield _order(("envelope", position), limit.low, limit.high)


def _order(path: Path, low: float, high: float) -> Finding:
    return mistake("range-order", path, f"the low end {low:g} is not below the high end {high:g}")


def _setting(path: Path, signal: Signal) -> Iterator[Finding]:
    setting = signal.setting
    if setting is None:
        return
    values = [value for value in (setting.low, setting.nominal, setting.high) if value is not None]
    if values != sorted(values):
        yield mistake("setting-order", path, "low, nominal and high are not in ascending order")
    elif signal.range is not None and values and not signal.range[0] <= values[0] <= values[-1] <= signal.range[1]:
        yield mistake(
            "setting-order",
            path,
            f"setting or tolerance lies outside the plausible range {signal.range[0]:g} to {signal.range[1]:g}",
        )


def text_is_not_reckoned_with(view: View) -> Iterator[Finding]:
    """A signal of text is context, and has neither range nor features."""
    for position, signal in enumerate(view.plan.signals):
        if signal.type is not SignalType.TEXT:
            continue
        path: Path = ("signals", position)
        if signal.role in {Role.PROCESS, Role.ENVIRONMENT}:
            yield warning(
                "text-signal", (*path, "role"), f"text is not judged as '{signal.role}'", next_step="make it 'context'"
            )
        if signal.range is not None or signal.features or signal.phase_features:
            yield mistake("text-signal", path, "text has neither a range nor features", next_step="remove them")


def addresses_are_usable(view: View) -> Iterator[Finding]:
    """Each signal has an address of its own."""
    first: dict[tuple[str, str], str] = {}
    for position, signal in enumerate(view.plan.signals):
        source = view.sources.get(signal.source)
        path: Path = ("signals", position, "address")
        if source is not None and source.kind is SourceKind.OPCUA and "=" not in signal.address:
            yield mistake(
                "no-address",
                path,
                "an OPC UA signal needs a node id",
                next_step="write one such as 'ns=2;s=Press.Force'",
            )
            continue
        if source is not None and source.kind is SourceKind.SPARKPLUG:
            yield from _metric_address(path, signal.address)
        key = (signal.source, signal.address or signal.id)
        if key in first:
            yield warning("same-address", path, f"the signal '{first[key]}' reads the same address", found=key[1])
        first.setdefault(key, signal.id)


def _metric_address(path: Path, address: str) -> Iterator[Finding]:
    try:
        parse_metric_address(address)
    except PlanError as error:
        yield mistake("no-address", path, error.problem, found=address, next_step=error.next_step or "")


def guesses_were_looked_at(view: View) -> Iterator[Finding]:
    """Nothing is left that was guessed from data."""
    names = [signal.id for signal in view.plan.signals if signal.guessed]
    if names:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        yield warning(
            "guessed",
            ("signals",),
            f"{len(names)} signals have guessed fields: {shown}",
            next_step="look at them, correct them, and delete their 'guessed'",
        )


def conditions_have_an_envelope(view: View) -> Iterator[Finding]:
    """Each measured condition has an envelope within what the signal can measure, and only one."""
    limits = [limit.signal for limit in view.plan.envelope]
    for position, signal in enumerate(view.plan.signals):
        if signal.role is Role.ENVIRONMENT and signal.type is SignalType.NUMBER and signal.id not in limits:
            yield warning(
                "envelope-missing",
                ("signals", position),
                "a condition without an envelope: nothing says in which range the line must work",
                next_step=f"add {{signal: {signal.id}, low: ..., high: ...}} to 'envelope'",
            )
    for position, limit in enumerate(view.plan.envelope):
        if limit.signal in limits[:position]:
            yield mistake("duplicate-id", ("envelope", position, "signal"), "this signal has an envelope already")
        known = view.signals.get(limit.signal)
        if known is None or known.range is None:
            continue
        if limit.low < known.range[0] or limit.high > known.range[1]:
            yield mistake(
                "envelope-range",
                ("envelope", position),
                f"{limit.low:g} to {limit.high:g} reaches beyond the signal's plausible range "
                f"{known.range[0]:g} to {known.range[1]:g}",
                next_step="narrow the envelope or widen the range",
            )


def sources_can_be_reached(view: View) -> Iterator[Finding]:
    """A source has an address of its kind, security, and the name of a secret rather than the secret."""
    used = {signal.source for signal in view.plan.signals}
    for position, source in enumerate(view.plan.sources):
        path: Path = ("sources", position)
        yield from _address(path, source)
        yield from _secrets(path, source)
        if source.id not in used:
            yield warning("source-unused", path, "no signal comes from this source")


def _address(path: Path, source: SourceSpec) -> Iterator[Finding]:
    schemes = SCHEMES.get(source.kind)
    if source.kind is SourceKind.PUSH:
        yield from _listening(path, source)
        return
    if schemes is None or source.kind is SourceKind.FILES:
        return
    if not source.url.startswith(schemes):
        yield mistake(
            "source-address",
            (*path, "url"),
            f"not an address of kind '{source.kind}'",
            found=source.url,
            choices=schemes,
        )


def _listening(path: Path, source: PushSpec) -> Iterator[Finding]:
    try:
        parse_listen(source.listen)
    except ConfigurationError as error:
        yield mistake(
            "source-address", (*path, "listen"), error.problem, found=source.listen, next_step=error.next_step or ""
        )
    if not source.secret:
        yield mistake(
            "source-secret",
            (*path, "secret"),
            "whoever reaches the endpoint could post",
            next_step="name the secret that the machines sign with",
        )


def _secrets(path: Path, source: SourceSpec) -> Iterator[Finding]:
    if source.secret and _SECRET_NAME.fullmatch(source.secret) is None:
        yield mistake(
            "source-secret",
            (*path, "secret"),
            "this is not the name of a secret",
            next_step="give the secret by LINESIDE_SECRET_<NAME> or a file, and only its NAME here",
        )
    if source.username and not source.secret:
        yield warning("source-secret", (*path, "username"), "a user without the name of a secret")
    if source.kind is SourceKind.OPCUA:
        yield from _opcua_security((*path, "security"), source)


def _opcua_security(path: Path, source: OpcuaSpec) -> Iterator[Finding]:
    """Without signing and encryption anybody on the network can change a value, or read a password."""
    advice = "use Aes256_Sha256_RsaPss or Aes128_Sha256_RsaOaep"
    if source.security != "none":
        if source.laboratory:
            yield warning("source-security", path, "'laboratory' says nothing beside a policy", next_step="remove it")
        return
    if not source.laboratory:
        advice += "; where no plant is at stake, write 'laboratory: true' beside it"
        yield mistake(
            "source-security", path, "the machine is reached without signing and encryption", next_step=advice
        )
    elif not _LOOPBACK.match(source.url):
        yield warning("source-security", path, "a machine beyond this computer without security", next_step=advice)
    if source.username and not _LOOPBACK.match(source.url):
        yield warning("source-security", path, "the password can be read on the network", next_step=advice)


SIGNAL_RULES: Final = (
    ranges_are_in_order,
    text_is_not_reckoned_with,
    addresses_are_usable,
    guesses_were_looked_at,
    conditions_have_an_envelope,
    sources_can_be_reached,
)
