"""What is measured: one module per subject and kind of work, run by `measuring/worker.py` in its own environment."""
