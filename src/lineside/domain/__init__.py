"""The nouns of a production line and their rules: pure, without files, sockets, clock or randomness."""
