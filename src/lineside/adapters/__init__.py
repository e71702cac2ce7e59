"""One technology each, behind the ports; adapters ignore one another."""
