"""JPEG and its segments."""
