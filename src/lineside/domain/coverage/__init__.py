"""Which part of the declared envelope data has seen: counts, gaps in words, how often the line is in a gap."""
