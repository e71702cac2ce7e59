"""Fakes for every port, shared strategies and conformance suites: for tests, never at run time."""
