"""The test-only management API, on a port of its own."""
