"""The ladder on which a model comes to judge a line: its steps, who may take them, and what they need."""
