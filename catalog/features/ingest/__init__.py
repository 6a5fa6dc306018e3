"""Bringing the files of a folder or of another store into the catalog."""
