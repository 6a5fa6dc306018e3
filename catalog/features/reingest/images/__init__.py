"""Photos of an archive: evaluated into a table, and staged from it."""
