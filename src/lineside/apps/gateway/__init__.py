"""The gateway: at the line, on a small computer."""
