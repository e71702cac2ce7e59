"""Which addresses a message may be sent to: the guard against server-side request forgery.

A target's name is resolved once, every address that it has must be allowed, and the connection goes to that very
address, so that a name cannot mean another machine a moment later. Public addresses are allowed; those inside (private,
loopback, link-local, and whatever else is not public) only where the administrator's list has them. Source: OWASP,
Server-Side Request Forgery Prevention Cheat Sheet; Standard Webhooks, section on security.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from lineside.domain.errors import ConfigurationError

Address = IPv4Address | IPv6Address


def parse_target(url: str, inside: Sequence[str], *, field: str) -> SplitResult:
    """Return the parts of a target's address.

    Raises:
        ConfigurationError: it is no address of a web server, names a user, or is not encrypted beyond the plant.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ConfigurationError("not the address of a web server", field=field, choices=("https://…",))
    if parts.username is not None or parts.fragment or "\\" in url or any(char <= " " for char in url):
        raise ConfigurationError("an address may hold no user, fragment, backslash or space", field=field)
    if parts.scheme == "http" and not inside:
        raise ConfigurationError(
            "not encrypted",
            field=field,
            next_step="use https, or list the machine's address under 'inside' where it stands within the plant",
        )
    return parts


def chosen_address(found: Sequence[str], inside: Sequence[str], *, encrypted: bool, field: str) -> str:
    """Return the address to connect to, out of all that the name has.

    Raises:
        ConfigurationError: one of them is not allowed, or what is not encrypted would leave the plant.
    """
    if not found:
        raise ConfigurationError("the name has no address", field=field)
    allowed = [ip_network(item, strict=False) for item in inside]
    for text in found:
        address = _plain(ip_address(text.split("%", maxsplit=1)[0]))
        within = any(address in network for network in allowed if network.version == address.version)
        public = address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        if not within and not public:
            raise ConfigurationError(
                "the address is not public, and the administrator's list does not have it",
                field=field,
                value=text,
                next_step="list it under 'inside' where the target stands within the plant",
            )
        if not within and not encrypted:
            raise ConfigurationError("what is not encrypted must not leave the plant", field=field, value=text)
    return found[0]


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if mapped is not None:
            return mapped
        if address in ip_network("64:ff9b::/96"):
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
