"""Whole runs: a workspace and a request in, an exit status out. What commands call."""
