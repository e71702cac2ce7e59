"""A year of the cell, compressed: a day a week, with its seasons, stops, setups and faults."""
