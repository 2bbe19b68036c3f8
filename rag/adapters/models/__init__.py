"""Endpoints that draft answers. One vendor, one file."""
