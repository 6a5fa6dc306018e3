"""The handlers: each answers one route from a feature."""
