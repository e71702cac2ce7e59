"""Fakes for every port, for tests of what stands on the other side."""
