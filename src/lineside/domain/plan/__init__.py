"""The control plan: its model, digests, lint, differences and drafts."""
