"""Whole-system figures: ingest by step, chat over 10,000 chunks, start-up, memory."""
