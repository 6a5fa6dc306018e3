"""Names and folders again, from what is known now."""
