"""Versioned messages between processes, and their codecs."""
