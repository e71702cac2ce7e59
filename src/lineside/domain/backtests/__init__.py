"""A backtest's nouns and figures, pure: units from tables, what was judged of them, and what that was worth."""
