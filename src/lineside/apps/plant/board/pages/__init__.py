"""The pages of the board, one file per subject; each handler answers one line of the table of routes."""
