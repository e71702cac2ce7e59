"""The demo: a simulated die-casting cell that speaks real protocols."""
