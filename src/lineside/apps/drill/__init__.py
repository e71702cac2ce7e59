"""Drills: break the real processes on purpose, and count what was lost."""
