"""The arrows of the loop: thin, asynchronous, each from one port to the next."""
