"""Adapters of the HTTP skin: keys, budgets and rates."""
