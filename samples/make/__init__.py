"""Builds the sample landing zone from readable texts, the same bytes every time.

The texts in `samples/texts` are what people edit; the files in `samples/landing-zone` are what Beleg reads. Both
are committed, and a test builds the second from the first and compares.
"""

from samples.make.build import build, landing_zone, texts

__all__ = ["build", "landing_zone", "texts"]
