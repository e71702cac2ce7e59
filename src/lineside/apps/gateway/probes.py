"""Which adapter tests the connection to a source; each is imported only where a plan names it."""

from __future__ import annotations

from lineside.apps.gateway.polled import PolledSpec, probe_polled
from lineside.apps.gateway.sources import (
    SourceOptions,
    file_options,
    mqtt_options,
    opcua_options,
    push_options,
    sparkplug_options,
)
from lineside.domain.errors import LinesideError
from lineside.domain.plan.model import FilesSpec, MqttSpec, OpcuaSpec, Plan, PushSpec, SourceSpec, SparkplugSpec
from lineside.ports import Clock, Probe, ProbeReport, ProbeStep


async def probe_source(
    plan: Plan, source: str, clock: Clock, options: SourceOptions, *, signals: tuple[str, ...], within: float
) -> ProbeReport:
    """Test the connection to one source of a plan.

    Args:
        plan: the plan.
        source: the source's id.
        clock: the time.
        options: how sources are run.
        signals: ids of signals to look at; none: all of the source.
        within: seconds to wait for readings.
    """
    try:
        return await _probe(plan, plan.source(source), clock, options, within)(signals)
    except LinesideError as error:  # what this installation lacks: a secret, an optional library
        step = ProbeStep(name="settings", ok=False, seen=str(error), next_step=error.next_step or "")
        return ProbeReport(source=source, steps=(step,))


def _probe(plan: Plan, spec: SourceSpec, clock: Clock, options: SourceOptions, within: float) -> Probe:
    # An adapter brings its protocol's library, which is slow to import and of no use to other plans.
    if isinstance(spec, OpcuaSpec):
        from lineside.adapters.opcua.probe import probe as probe_opcua  # noqa: PLC0415 - as above

        opcua = opcua_options(spec, options)
        return lambda signals: probe_opcua(plan, spec, clock, options=opcua, signals=signals, within=within)
    if isinstance(spec, MqttSpec):
        from lineside.adapters.mqtt.probe import probe as probe_mqtt  # noqa: PLC0415 - as above

        mqtt = mqtt_options(spec, options)
        return lambda signals: probe_mqtt(plan, spec, clock, options=mqtt, signals=signals, within=within)
    if isinstance(spec, SparkplugSpec):
        from lineside.adapters.sparkplug.probe import probe as probe_sparkplug  # noqa: PLC0415 - as above

        edges = sparkplug_options(spec, options)
        return lambda signals: probe_sparkplug(plan, spec, clock, options=edges, signals=signals, within=within)
    if isinstance(spec, PushSpec):
        from lineside.adapters.push.probe import probe as probe_push  # noqa: PLC0415 - as above

        push = push_options(spec, options)
        return lambda signals: probe_push(plan, spec, clock, options=push, signals=signals, within=within)
    if isinstance(spec, PolledSpec):
        return probe_polled(plan, spec, clock, keys=options.keys, within=within)
    assert isinstance(spec, FilesSpec)
    from lineside.adapters.files.probe import probe as probe_files  # noqa: PLC0415 - as above

    files = file_options(spec, options)
    return lambda signals: probe_files(
        plan, spec, clock, root=options.root, options=files, signals=signals, within=within
    )
