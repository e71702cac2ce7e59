"""How well models in service do: measured with truth that comes late, and estimated where there is none."""
