"""Readings from endpoints of HTTP that answer with JSON.

`source.open_source` builds the source of a plan; `rows` says what in an answer is a value.
"""
