"""Quix Streams at `features`: collecting tumbling windows in its RocksDB state, committed every 10,000 readings.

There is no Kafka here, so what speaks to a broker is a stand-in that does nothing; a deployment is slower than this.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from typing import Any
from unittest.mock import MagicMock

import numpy as np
from quixstreams.context import set_message_context
from quixstreams.dataframe import DataFrameRegistry, StreamingDataFrame
from quixstreams.models import MessageContext, Topic, TopicConfig, TopicManager
from quixstreams.processing import ProcessingContext
from quixstreams.sinks import SinkManager
from quixstreams.state.manager import StateStoreManager

from measuring.clocks import per_cpu_second
from subjects.arrays import features_of
from subjects.workload import BEGIN, readings, summary

COMMIT_EVERY = 10_000
NAME = "readings"


def _without_broker(folder: str) -> tuple[StreamingDataFrame, DataFrameRegistry, ProcessingContext, StateStoreManager]:
    """Return a dataframe over one topic with its state in a folder and nobody at the other end."""
    settings = TopicConfig(num_partitions=1, replication_factor=1)
    producer = MagicMock(offsets={}, unproduced_msg_count=0)
    producer.flush.return_value = 0
    registry, state = DataFrameRegistry(), StateStoreManager(state_dir=folder)
    context = ProcessingContext(
        commit_interval=1e9,
        producer=producer,
        consumer=MagicMock(**{"commit.return_value": []}),
        state_manager=state,
        sink_manager=SinkManager(),
        dataframe_registry=registry,
    )
    topic = Topic(name=NAME, value_deserializer="json", key_deserializer="bytes", create_config=settings)
    topic.broker_config = settings
    manager = MagicMock(spec=TopicManager)
    manager.stream_id_from_topics.return_value = NAME
    TopicManager.ensure_topics_copartitioned = staticmethod(lambda *_: None)  # type: ignore[method-assign, assignment]
    TopicManager.derive_topic_config = staticmethod(lambda *_, **__: settings)  # type: ignore[method-assign, assignment]
    frame = StreamingDataFrame(topic, topic_manager=manager, registry=registry, processing_context=context)
    registry.register_root(frame)
    return frame, registry, context, state


def _close(window: dict[str, Any]) -> tuple[float, ...]:
    rows = np.array(window["value"])
    return features_of(rows[:, 0], rows[:, 1])


def prepare(work: dict[str, Any]) -> Callable[[], dict[str, object]]:
    """Return a run of the windows over the work's readings; one per process, as the registry is."""
    data = readings(work)
    keys = [f"s{number}".encode() for number in data.signal.tolist()]
    moments = ((data.time - BEGIN) // 1_000_000).tolist()
    values = list(zip(((data.time - BEGIN) * 1e-9).tolist(), data.value.tolist(), strict=True))
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    frame, registry, context, state = _without_broker(folder)
    frame.tumbling_window(30_000).collect().final().apply(_close)
    out: list[tuple[float, ...]] = []
    execute = registry.compose_all(sink=lambda value, *_: out.append(value))[NAME]
    state.on_partition_assign(NAME, 0, {NAME: 0})
    context.init_checkpoint()

    def run() -> dict[str, object]:
        for offset, (key, moment, value) in enumerate(zip(keys, moments, values, strict=True)):
            set_message_context(MessageContext(topic=NAME, partition=0, offset=offset, size=64))
            execute(value, key, moment, None)
            context.store_offset(NAME, 0, offset)
            if offset % COMMIT_EVERY == COMMIT_EVERY - 1:
                context.commit_checkpoint(force=True)
        return {"version": version("quixstreams"), "results": len(out), **(summary(np.array(out)) if out else {})}

    return per_cpu_second(len(keys), run)
