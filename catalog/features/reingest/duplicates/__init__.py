"""Duplicates of an archive: evaluated into a table, and processed from it."""
