"""What answers to questions look like: on a terminal, and as JSON. One module a kind of answer."""
