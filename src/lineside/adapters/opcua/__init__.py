"""Readings from OPC UA servers, by subscription.

`source.open_source` builds the source of a plan; `connection` speaks OPC UA through asyncua, and is imported only
when a source begins to deliver, because that library takes its time.
"""
