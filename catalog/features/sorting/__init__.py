"""Putting tagged files in order: the mover."""
