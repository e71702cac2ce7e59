"""What the benchmarks measure: one module per claim, each a list of works with their subjects."""
