"""Lineside: predictive quality on the production line."""

__version__ = "0.1.0"
