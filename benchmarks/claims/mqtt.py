"""`mqtt`: CPU per message beside the bare client library, and metrics of Sparkplug B beside the bare protobuf."""

from measuring.works import Subject, Work

_CLIENTS = (Subject(name="lineside", module="mqtt_lineside"), Subject(name="paho", module="mqtt_paho"))
_DECODERS = (
    Subject(name="lineside", module="sparkplug_lineside"),
    Subject(name="protobuf", module="sparkplug_protobuf"),
)

WORKS = [
    *(
        Work(
            name=f"mqtt CPU per message, QoS {qos}, JSON with a time and a value",
            unit="us/message",
            better="lower",
            subjects=_CLIENTS,
            parameters={"qos": qos, "messages": 10_000},
        )
        for qos in (0, 1)
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
