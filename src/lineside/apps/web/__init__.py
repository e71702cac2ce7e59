"""What the plant's board and the gateway's own page share: look, words, armour, and how requests are served."""
