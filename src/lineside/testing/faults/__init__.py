"""Faults to inject, and a small rig of real processes to inject them into: edge, transport, site."""
