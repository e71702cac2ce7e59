"""Where a gateway may listen: on loopback or the machine side, at one address that is named, never at all of them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from lineside.domain.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Listen:
    """An address and a port."""

    host: str
    port: int

    @property
    def hosts(self) -> frozenset[str]:
        """The names under which a browser may ask: others are another site that points here."""
        named = f"[{self.host}]" if ":" in self.host else self.host
        loopback = ("localhost", "127.0.0.1", "[::1]") if ip_address(self.host).is_loopback else ()
        return frozenset(f"{name}:{self.port}" for name in (named, *loopback))


def parse_listen(text: str, field: str = "--listen") -> Listen:
    """Return the address that a setting ``HOST:PORT`` names.

    Raises:
        ConfigurationError: it names none, or every address of the machine, or one that is reached from anywhere.
    """
    host, _, port = text.rpartition(":")
    host = host.strip("[]").replace("localhost", "127.0.0.1")
    try:
        address, number = ip_address(host), int(port)
    except ValueError:
        raise _refused("not an address and a port", text, field) from None
    if not 0 <= number < 65_536:
        raise _refused("not a port", text, field)
    if address.is_unspecified or not (address.is_loopback or address.is_private):
        raise _refused("the gateway listens on the machine side only", text, field)
    return Listen(str(address), number)


def _refused(problem: str, text: str, field: str) -> ConfigurationError:
    return ConfigurationError(
        problem,
        field=field,
        value=text,
        next_step="name one address of this machine on loopback or the machines' network, such as 127.0.0.1:8090",
    )
