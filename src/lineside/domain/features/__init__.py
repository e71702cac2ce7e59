"""From readings to the features of a cycle: the one implementation for gateway, backtest and training."""
