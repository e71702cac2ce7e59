"""Fitting: model families, honest validation, calibration, export. Runs at the plant only."""
