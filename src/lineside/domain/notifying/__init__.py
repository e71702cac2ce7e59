"""Telling people where they already work: what is said, to whom, and what becomes of a message."""
