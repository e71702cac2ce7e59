"""Machines that can only post: a small signed HTTP endpoint."""
