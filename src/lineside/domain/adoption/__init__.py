"""A prototype brought from a laboratory: its inputs, its honest figures, what inflated the others, and a verdict."""
