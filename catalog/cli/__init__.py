"""The command line: what is printed where, what is asked, and the exit statuses.

Nothing below it knows the terminal.
"""
