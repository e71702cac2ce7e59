"""Readings from edge nodes that speak Sparkplug B.

`source.open_source` builds the source of a plan; the connection to the broker is that of
`lineside.adapters.mqtt_connection`. The protocol is sans-IO: `states` has the table of transitions, `sequence` puts
messages in order, `node` is one edge node with its devices, and `payloads` reads what messages hold.

`sparkplug_b_pb2.py` and its stub are made from `sparkplug_b.proto`, by a protoc that is older than every protobuf
that the project allows (a module runs with its own version of protobuf and later ones)::

    python -m venv protoc && protoc/bin/pip install grpcio-tools==1.66.2
    cd src/lineside/adapters/sparkplug
    ../../../../protoc/bin/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. sparkplug_b.proto
"""
