"""Fit a model from parts and write a bundle."""
