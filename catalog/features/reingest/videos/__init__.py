"""Videos of an archive: evaluated into a table, converted and staged from it."""
