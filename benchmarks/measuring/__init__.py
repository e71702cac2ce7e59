"""How the benchmarks measure: every subject in a process of its own, in turn, on one core, by medians."""
