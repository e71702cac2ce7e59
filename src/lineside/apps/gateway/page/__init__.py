"""The gateway's own page: what an operator at the machine needs while the plant is away."""
