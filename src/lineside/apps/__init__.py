"""Processes: who is introduced to whom, and for how long they live."""
