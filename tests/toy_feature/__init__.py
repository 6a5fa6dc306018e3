"""A feature that the program does not have: one folder, and one line in the table of commands."""
