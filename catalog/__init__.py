"""A catalog of every photo and video its owner has, wherever the copies live."""

__version__ = "0.1.0"
