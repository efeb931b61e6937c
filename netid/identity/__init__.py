"""People, their documents and numbers, claims and rules: pure functions of values."""
