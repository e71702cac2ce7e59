"""The connection test of an endpoint: listen where the plan says, and wait for a machine to post each signal."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from lineside.adapters.probing import failed, report, signals_to_test, watch
from lineside.adapters.push.source import PushOptions, PushSource, open_source
from lineside.domain.errors import LinesideError
from lineside.domain.listening import Listen, parse_listen
from lineside.domain.plan.model import Plan, PushSpec
from lineside.domain.probes import look_at
from lineside.ports import Clock, ProbeReport, ProbeStep

NOTHING = "let the machine post once while this test waits (longer with --seconds), or correct the signal's address"


async def probe(
    plan: Plan,
    spec: PushSpec,
    clock: Clock,
    *,
    options: PushOptions,
    signals: Sequence[str] = (),
    within: float = 10.0,
) -> ProbeReport:
    """Test the endpoint of a source by listening for a while in the gateway's place; nothing is kept.

    Args:
        plan: the plan of the source.
        spec: the source.
        clock: the time.
        options: what the plan does not hold.
        signals: ids of signals to wait for; none: all of the source.
        within: seconds to wait for them.
    """
    try:
        source = open_source(plan, spec, clock, options=options)
    except LinesideError as error:
        return report(spec.id, [failed("settings", error)])
    free = _free(parse_listen(spec.listen))
    if not free.ok:
        return report(spec.id, [free])
    wanted = signals_to_test(plan, spec.id, signals)
    taken, trouble = await watch(source, wanted, within)
    steps = [free, *_requests(source)]
    if trouble is not None:
        return report(spec.id, [*steps, failed("listen", trouble)])
    return report(spec.id, steps, look_at(wanted, taken, NOTHING))


def _free(listen: Listen) -> ProbeStep:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    place = f"{listen.host} port {listen.port}"
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((listen.host, listen.port))
            tried.listen(1)
        except OSError as error:
            advice = "if the gateway runs, post to it and look at `lineside gateway status`; else, is the address ours?"
            return ProbeStep(name="listen", ok=False, seen=f"{place}: {error.strerror}", next_step=advice)
    return ProbeStep(name="listen", ok=True, seen=f"{place} is ours and free")


def _requests(source: PushSource) -> list[ProbeStep]:
    """Return a step for each reason for which requests were refused."""
    return [
        ProbeStep(
            name="request",
            ok=False,
            seen=f"{count} refused: {why}",
            next_step="compare secret, signed content (id.timestamp.body) and the machine's clock",
        )
        for why, count in source.refused.items()
    ]
