"""What looks alike, what is a bad shot, and the measures both rest on."""
