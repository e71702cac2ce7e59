"""From a stream of readings to the cycles of a station, whatever order and batches they come in."""
