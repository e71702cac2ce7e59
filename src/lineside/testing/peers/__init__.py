"""Real peers for tests: brokers and servers on loopback that can be stopped, killed and started again."""
