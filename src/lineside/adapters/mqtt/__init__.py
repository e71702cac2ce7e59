"""Readings from MQTT brokers.

`source.open_source` builds the source of a plan; the connection to the broker is that of
`lineside.adapters.mqtt_connection`. What a message must be to be read stands in `lineside.domain.intake.messages`.
"""
