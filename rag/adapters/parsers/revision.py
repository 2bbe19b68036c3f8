"""Raised by one whenever the same bytes would be read differently: every document is then done again."""

REVISION = "parsers-6"
