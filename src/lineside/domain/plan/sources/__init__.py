"""Where readings come from: one file per technology, so that a plan is offered only the fields that mean something."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lineside.domain.plan.sources.base import SourceBase, SourceKind, TimedSource
from lineside.domain.plan.sources.files import FilesSpec
from lineside.domain.plan.sources.modbus import ModbusSpec
from lineside.domain.plan.sources.mqtt import MqttSpec
from lineside.domain.plan.sources.mtconnect import MtconnectSpec
from lineside.domain.plan.sources.opcua import OpcuaSpec
from lineside.domain.plan.sources.push import PushSpec
from lineside.domain.plan.sources.rest import RestSpec
from lineside.domain.plan.sources.sparkplug import SparkplugSpec

__all__ = [
    "FilesSpec",
    "ModbusSpec",
    "MqttSpec",
    "MtconnectSpec",
    "OpcuaSpec",
    "PushSpec",
    "RestSpec",
    "SourceBase",
    "SourceKind",
    "SourceSpec",
    "SparkplugSpec",
    "TimedSource",
]

SourceSpec = Annotated[
    FilesSpec | OpcuaSpec | MqttSpec | SparkplugSpec | ModbusSpec | MtconnectSpec | RestSpec | PushSpec,
    Field(discriminator="kind"),
]
"""One source of a plan, of any kind."""
