"""What is done with servers and brokers beside reading them: looking at a certificate, trusting it, browsing."""

from __future__ import annotations

from dataclasses import replace

from lineside.adapters.opcua.certificates import fingerprint, pin
from lineside.adapters.opcua.refusals import RefusedError
from lineside.apps.gateway.sources import SourceOptions, opcua_options, sparkplug_options
from lineside.domain.errors import ConfigurationError, InputError, SourceError
from lineside.domain.plan.draft.nodes import Browsed, BrowseLimits
from lineside.domain.plan.model import OpcuaSpec, Plan, SparkplugSpec
from lineside.ports import Clock


def secure_server(plan: Plan, source: str) -> OpcuaSpec:
    """Return the source of that id, which uses certificates.

    Raises:
        ConfigurationError: it is no source of OPC UA, or uses none.
    """
    try:
        spec = plan.source_as(OpcuaSpec, source)
    except KeyError as error:
        known = tuple(item.id for item in plan.sources if isinstance(item, OpcuaSpec))
        raise ConfigurationError("no source of kind opcua in the plan", value=source, choices=known) from error
    if spec.security == "none":
        raise ConfigurationError("the plan uses no certificates here", field=f"sources.{source}.security", value="none")
    return spec


async def shown_certificate(spec: OpcuaSpec, options: SourceOptions) -> bytes:
    """Return the certificate (DER) that a server shows for the policy that is wanted.

    Raises:
        SourceError: it does not answer, or does not offer that policy.
    """
    from lineside.adapters.opcua.session import Session  # noqa: PLC0415 - the library is slow to import

    try:
        return await Session(spec, opcua_options(spec, options)).certificate_of_server()
    except RefusedError as error:
        raise SourceError(str(error), value=spec.url, next_step=error.next_step) from error


async def browse_server(spec: OpcuaSpec, options: SourceOptions, limits: BrowseLimits, trust: str) -> Browsed:
    """Return the variables of a server.

    Args:
        spec: the server, as a plan would name it.
        options: how sources are run.
        limits: how far to look.
        trust: fingerprint of the certificate to pin first; empty: the server must be trusted already.

    Raises:
        SourceError: the server does not answer, or refuses.
        InputError: it shows a certificate of another fingerprint.
    """
    from lineside.adapters.opcua.browse import browse  # noqa: PLC0415 - the library is slow to import
    from lineside.adapters.opcua.session import Session  # noqa: PLC0415 - as above

    found = opcua_options(spec, options)
    if trust:
        await _trust(spec, options, trust)
    again = f"lineside source browse {spec.url} --source {spec.id} --trust FINGERPRINT"
    session = Session(spec, replace(found, trust=again))
    try:
        await session.open()
        return await browse(session, limits)
    except RefusedError as error:
        raise SourceError(str(error), value=spec.url, next_step=error.next_step) from error
    except ConnectionError as error:
        raise SourceError(str(error), value=spec.url) from error
    finally:
        await session.close()


async def browse_broker(
    spec: SparkplugSpec, clock: Clock, options: SourceOptions, seconds: float, *, ask: bool
) -> Browsed:
    """Return the metrics of the births that come at a broker within so many seconds.

    ``ask`` lets each edge node that is heard be asked for its births, once.

    Raises:
        SourceError: the broker does not answer, or refuses.
    """
    from lineside.adapters.sparkplug.browse import browse  # noqa: PLC0415 - as above

    try:
        return await browse(spec, clock, options=sparkplug_options(spec, options), seconds=seconds, ask=ask)
    except ConnectionError as error:
        raise SourceError(str(error), value=spec.url) from error


async def _trust(spec: OpcuaSpec, options: SourceOptions, trust: str) -> None:
    shown = await shown_certificate(spec, options)
    if fingerprint(shown).replace(":", "") != trust.replace(":", "").replace(" ", "").upper():
        raise InputError(
            "the server shows another certificate than the one to trust",
            field="--trust",
            value=fingerprint(shown),
            next_step="compare it with the machine's own panel",
        )
    pin(options.keys / f"{spec.id}.peer.crt", shown)
