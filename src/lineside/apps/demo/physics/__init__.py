"""The die-casting cell as pure, seeded arithmetic: shots in columns, without clock, files or protocols."""
