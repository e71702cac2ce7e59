"""Which adapter speaks to a source; each is imported only where a plan names it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.apps.gateway.polled import PolledSpec, open_polled
from lineside.apps.gateway.secrets import find_secret
from lineside.domain.plan.model import (
    FilesSpec,
    MqttSpec,
    OpcuaSpec,
    Plan,
    PushSpec,
    SourceKind,
    SourceSpec,
    SparkplugSpec,
)
from lineside.domain.readings import ReadingBatch
from lineside.ports import Clock, Source

if TYPE_CHECKING:
    from lineside.adapters.files.options import FileOptions
    from lineside.adapters.mqtt.source import MqttOptions
    from lineside.adapters.opcua.options import OpcuaOptions
    from lineside.adapters.push.source import PushOptions
    from lineside.adapters.sparkplug.source import SparkplugOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceOptions:
    """How sources are run.

    ``root`` is what relative paths start from, ``kept`` the folder in which a source keeps its position. ``keys`` is
    that of secrets and certificates: ``opcua.crt`` and ``opcua.key`` are ours for all servers of OPC UA, but for
    those with ``<source>.crt`` and ``<source>.key`` of their own; ``<source>.peer.crt`` is the machine's, pinned;
    ``<source>.user.crt`` and ``<source>.user.key`` log in; ``<source>.authority.crt`` is that of a broker's
    authority; ``<source>.ssh.key`` and ``<source>.known_hosts`` are for SFTP. ``plan`` is the plan's file, for advice
    that names commands. ``replay`` plays files as if they came now, at so many times the speed of their own times
    (0: as fast as possible); without it, files are followed as they come. ``recorded`` are the cycle ids of parts that
    were recorded before a restart.
    """

    root: Path
    kept: Path
    keys: Path
    plan: Path = Path("PLAN")
    replay: float | None = None
    recorded: frozenset[str] = frozenset()


def open_sources(
    plan: Plan, clock: Clock, options: SourceOptions, seen: Sequence[ReadingBatch] = ()
) -> dict[str, Source]:
    """Return every source of a plan by id, not yet connected.

    ``seen`` are readings that were accepted before a restart: if they come again they are duplicates.
    """
    return {spec.id: _open(plan, spec, clock, options, seen) for spec in plan.sources}


def open_source(
    plan: Plan, source: str, clock: Clock, options: SourceOptions, seen: Sequence[ReadingBatch] = ()
) -> Source:
    """Return one source of a plan, as `open_sources` does."""
    return _open(plan, plan.source(source), clock, options, seen)


def _open(plan: Plan, spec: SourceSpec, clock: Clock, options: SourceOptions, seen: Sequence[ReadingBatch]) -> Source:
    # An adapter brings its protocol's library, which is slow to import and of no use to other plans.
    if spec.kind is SourceKind.OPCUA:
        from lineside.adapters.opcua.source import open_source as open_opcua  # noqa: PLC0415 - as above

        return open_opcua(plan, spec, clock, options=opcua_options(spec, options), seen=seen)
    if spec.kind is SourceKind.MQTT:
        from lineside.adapters.mqtt.source import open_source as open_mqtt  # noqa: PLC0415 - as above

        return open_mqtt(plan, spec, clock, options=mqtt_options(spec, options), seen=seen)
    if spec.kind is SourceKind.SPARKPLUG:
        from lineside.adapters.sparkplug.source import open_source as open_sparkplug  # noqa: PLC0415 - as above

        return open_sparkplug(plan, spec, clock, options=sparkplug_options(spec, options), seen=seen)
    if spec.kind is SourceKind.PUSH:
        from lineside.adapters.push.source import open_source as open_push  # noqa: PLC0415 - as above

        return open_push(plan, spec, clock, options=push_options(spec, options), seen=seen)
    if isinstance(spec, PolledSpec):
        return open_polled(plan, spec, clock, keys=options.keys, kept=options.kept, seen=seen)
    from lineside.adapters.files.source import open_source as open_files  # noqa: PLC0415 - as above

    return open_files(plan, spec, clock, root=options.root, options=file_options(spec, options), seen=seen)


def opcua_options(spec: OpcuaSpec, options: SourceOptions) -> OpcuaOptions:
    """Return what the plan does not hold of a server: secret and certificates."""
    from lineside.adapters.opcua.options import OpcuaOptions  # noqa: PLC0415 - as above

    keys = options.keys
    own = spec.id if (keys / f"{spec.id}.crt").exists() else "opcua"
    return OpcuaOptions(
        password=find_secret(spec.secret, keys),
        certificate=keys / f"{own}.crt",
        private_key=keys / f"{own}.key",
        trusted=keys / f"{spec.id}.peer.crt",
        trust=f"lineside source trust {options.plan} {spec.id} --data {keys.parent}",
        uri=f"urn:{socket.gethostname()}:lineside:gateway",
        user_certificate=keys / f"{spec.id}.user.crt",
        user_key=keys / f"{spec.id}.user.key",
    )


def mqtt_options(spec: MqttSpec, options: SourceOptions) -> MqttOptions:
    """Return what the plan does not hold of a broker: secret, authority, and a certificate of ours."""
    from lineside.adapters.mqtt.source import MqttOptions  # noqa: PLC0415 - as above

    return MqttOptions(
        password=find_secret(spec.secret, options.keys),
        authority=_there(options.keys / f"{spec.id}.authority.crt"),
        certificate=_there(options.keys / f"{spec.id}.crt"),
        private_key=_there(options.keys / f"{spec.id}.key"),
    )


def file_options(spec: FilesSpec, options: SourceOptions) -> FileOptions:
    """Return what the plan does not hold of a folder: how it is played, where that is kept, secret and keys."""
    from lineside.adapters.files.options import FileOptions  # noqa: PLC0415 - as above

    if options.replay is not None:
        state = options.kept / f"{spec.id}.position.json"
        return FileOptions(speed=options.replay or None, rebase=True, state=state, recorded=options.recorded)
    return FileOptions(
        follow=True,
        state=options.kept / f"{spec.id}.files.db",
        recorded=options.recorded,
        password=find_secret(spec.secret, options.keys),
        private_key=_there(options.keys / f"{spec.id}.ssh.key"),
        known_hosts=options.keys / f"{spec.id}.known_hosts",
        pseudonyms=options.keys / "pseudonyms.key",
    )


def sparkplug_options(spec: SparkplugSpec, options: SourceOptions) -> SparkplugOptions:
    """Return what the plan does not hold of a broker: secret, authority, and a certificate of ours."""
    from lineside.adapters.sparkplug.source import SparkplugOptions  # noqa: PLC0415 - as above

    return SparkplugOptions(
        password=find_secret(spec.secret, options.keys),
        authority=_there(options.keys / f"{spec.id}.authority.crt"),
        certificate=_there(options.keys / f"{spec.id}.crt"),
        private_key=_there(options.keys / f"{spec.id}.key"),
    )


def push_options(spec: PushSpec, options: SourceOptions) -> PushOptions:
    """Return what the plan does not hold of an endpoint: the secret that machines sign with."""
    from lineside.adapters.push.source import PushOptions  # noqa: PLC0415 - as above

    return PushOptions(secret=find_secret(spec.secret, options.keys))


def _there(path: Path) -> Path | None:
    return path if path.exists() else None
