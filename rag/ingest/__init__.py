"""A document's way in: landing → parse → clear → chunk → embed → index. One verb, one file."""
