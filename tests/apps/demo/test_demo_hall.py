"""The hall's climate arrives at the gateway's own MQTT source, from a real broker, with its own times."""

import asyncio
from pathlib import Path

from lineside.adapters.mqtt.source import MqttOptions, MqttSource, open_source
from lineside.adapters.nats_server import EmbeddedNats, NatsOptions
from lineside.adapters.plan_yaml import parse_plan
from lineside.apps.demo.hall import Hall
from lineside.apps.demo.line import Said
from lineside.apps.demo.run import packaged_plan
from lineside.domain.plan.model import MqttSpec
from lineside.domain.units import SECOND
from lineside.testing.clocks import ManualClock

START = 1_750_000_000 * SECOND
MOMENTS = 300


def moment(number: int) -> list[Said]:
    time = START + number * 15 * SECOND
    return [Said(time, 0, "hall_temperature", 20.0 + number), Said(time, 1, "hall_humidity", 40.0)]


async def test_every_moment_of_the_hall_arrives_once_and_in_order(tmp_path: Path) -> None:
    broker = EmbeddedNats(tmp_path / "broker", NatsOptions(store=tmp_path / "store", mqtt_port=-1))
    address = await broker.start()
    plan = parse_plan(packaged_plan(1, broker.mqtt_port), "demo")
    clock = ManualClock(START + MOMENTS * 15 * SECOND)
    source = open_source(plan, plan.source_as(MqttSpec, "hall"), clock, options=MqttOptions(password=address.password))
    hall = Hall(broker.mqtt_port, address.user, address.password)
    heard: list[tuple[str, int, float]] = []
    tasks = [asyncio.create_task(hall.run()), asyncio.create_task(_listen(source, heard))]
    try:
        async with asyncio.timeout(60):
            number = 0
            while not heard:  # what is said before the source has subscribed is nobody's
                number += 1
                hall.say(moment(number))
                await asyncio.sleep(0.1)
            for later in range(number + 1, number + 11):
                hall.say(moment(later))
            while heard[-1][1] != START + (number + 10) * 15 * SECOND or len(heard) % 2:  # noqa: ASYNC110 - a list tells nobody
                await asyncio.sleep(0.02)
    finally:
        await source.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await broker.stop()
    first = (heard[0][1] - START) // (15 * SECOND)
    assert heard == [(item.signal, item.time, item.value) for n in range(first, number + 11) for item in moment(n)]


async def _listen(source: MqttSource, heard: list[tuple[str, int, float]]) -> None:
    async for delivery in source.deliveries():
        batch = delivery.readings
        assert batch is not None
        names = [batch.catalogue.signals[code] for code in batch.signal.tolist()]
        heard += zip(names, batch.source_time.tolist(), batch.value.tolist(), strict=True)
        await source.acknowledge(delivery.token)
