"""Statistical process control: charts with limits from a stated baseline, run rules, and capability."""
