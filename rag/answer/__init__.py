"""A question's way through: screen → retrieve → route → generate → cite → screen, on record."""
