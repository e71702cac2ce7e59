"""The transport of a plant: where it listens, and by which certificate gateways know it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from lineside.adapters.clocks import SystemClock
from lineside.adapters.nats_bus import NatsAddress, is_loopback
from lineside.adapters.nats_server import EmbeddedNats, NatsOptions, ServerTls
from lineside.adapters.tls_authority import local_certificate, names_of
from lineside.apps.layout import Layout
from lineside.domain.errors import InputError


def transport_options(keys: Path, listen: str, now: int, *, lab: bool = False) -> NatsOptions:
    """Return how the embedded server shall listen.

    Args:
        keys: the folder of keys, in which the certificate is made where one is needed.
        listen: ``host:port``, or ``host`` for the port of last time; empty: loopback, plain.
        now: the time, UTC ns.
        lab: no TLS beyond loopback either.

    Raises:
        InputError: it is no such address.
    """
    host, port = _parts(listen)
    if not host or is_loopback(host):
        return NatsOptions(port=port)
    names = names_of(host)
    if lab:
        return NatsOptions(host=host, port=port, reach=names[0], lab=True)
    made = local_certificate(keys, names, now, "transport")
    tls = ServerTls(certificate=made.certificate, key=made.key, authority=made.authority)
    return NatsOptions(host=host, port=port, reach=names[0], tls=tls)


async def with_transport(
    layout: Layout, listen: str, work: Callable[[NatsAddress], Awaitable[None]], *, lab: bool = False
) -> None:
    """Run the embedded server while something works that is told its address."""
    layout.create()
    server = EmbeddedNats(layout.nats, transport_options(layout.keys, listen, SystemClock().now(), lab=lab))
    try:
        await work(await server.start())
    finally:
        await server.stop()


def _parts(listen: str) -> tuple[str, int]:
    host, found, port = listen.rpartition(":")
    if not found or listen.endswith("]"):
        host, port = listen, "0"
    if not port.isdigit() or int(port) > 65_535:
        raise InputError("not an address to listen at", field="transport", value=listen, choices=("host:port", "host"))
    return host.strip("[]"), int(port)
