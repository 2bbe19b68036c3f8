"""Recipes and releases, prompts and evaluation: what is live, and why."""
