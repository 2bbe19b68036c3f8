"""Texts → vectors: sentence-transformers, and a deterministic hashing twin for tests."""
