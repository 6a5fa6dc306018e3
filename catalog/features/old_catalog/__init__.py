"""Bringing in a catalog of the old kind."""
