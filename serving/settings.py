"""Limits of the HTTP door. Plain values: the environment is read in `compose` alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may weigh. Everything above is refused before it is parsed or guarded."""

    body_bytes: int = 256 * 1024
    """A long conversation of 64,000 characters takes about 130 KB as JSON with German umlauts."""
    body_patience_s: float = 20.0
    """For the whole body: who sends slower than 13 KB/s is not one of our clients."""
    question_characters: int = 8_000
    """About 1,500 words: the guard reads that in 0.2 s."""
    conversation_characters: int = 64_000
    """All turns together, question included."""
    turns: int = 200
    search_results: int = 50
    source_characters: int = 200_000
    """Of a source's text in one reply; longer texts come as a window around the passage."""
