"""Health as states with reasons: never "running", but what each part of a gateway does and why."""
