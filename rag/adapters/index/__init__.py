"""Where chunks are found again: the embedded engine, and a twin in memory for tests."""
