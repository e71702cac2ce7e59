"""The plant: one per site; history, alerts, board and interface."""
