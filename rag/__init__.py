"""The chain itself and its nouns: documents in, cited answers out. Imports nothing of ours."""
