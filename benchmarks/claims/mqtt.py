"""`mqtt`: CPU per message beside the bare client library, which parses Sparkplug B by the bare protobuf.

And the metrics of Sparkplug B beside that alone, without a connection.
"""

from measuring.works import Subject, Work

_CLIENTS = (Subject(name="lineside", module="mqtt_lineside"), Subject(name="paho", module="mqtt_paho"))
_EDGES = (
    Subject(name="lineside", module="sparkplug_wire_lineside"),
    Subject(name="paho and protobuf", module="sparkplug_wire_paho"),
)
_DECODERS = (
    Subject(name="lineside", module="sparkplug_lineside"),
    Subject(name="protobuf", module="sparkplug_protobuf"),
)
_ALONE = (1, 0.002, 1_000, "one in each of 2 ms")

WORKS = [
    *(
        Work(
            name=f"mqtt CPU per message, QoS {qos}, JSON with a time and a value, {how}",
            unit="us/message",
            better="lower",
            subjects=_CLIENTS,
            parameters={"qos": qos, "messages": messages, "burst": burst, "pause": pause},
        )
        for qos in (0, 1)
        for burst, pause, messages, how in (_ALONE, (100, 0.0, 40_000, "100 and no pause"))
    ),
    *(
        Work(
            name=f"mqtt CPU per message of Sparkplug B, {metrics} metrics, {how}",
            unit="us/message",
            better="lower",
            subjects=_EDGES,
            parameters={"metrics": metrics, "messages": messages, "burst": burst, "pause": pause},
        )
        for metrics in (5, 100)
        for burst, pause, messages, how in (_ALONE, (50, 0.02, 5_000, "50 in each of 20 ms"))
    ),
    *(
        Work(
            name=f"mqtt sparkplug data, {metrics} metrics a message, {how}",
            unit="metrics/s",
            better="higher",
            subjects=_DECODERS,
            parameters={"metrics": metrics, "messages": 50_000 // metrics, "together": together},
        )
        for metrics in (5, 100)
        for together, how in ((1, "one by one"), (20, "20 behind each other"))
    ),
]
