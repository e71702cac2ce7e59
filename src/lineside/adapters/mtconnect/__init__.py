"""Readings from MTConnect agents.

`source.open_source` builds the source of a plan; `documents` reads what an agent sends, `items` says which
observation is whose.
"""
