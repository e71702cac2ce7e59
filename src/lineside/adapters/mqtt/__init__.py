"""Readings from MQTT brokers.

`source.open_source` builds the source of a plan; `connection` is one connection to the broker on the running
event loop. What a message must be to be read stands in `lineside.domain.intake.messages`.
"""
