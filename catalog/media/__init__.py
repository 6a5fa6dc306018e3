"""Bytes in, facts out: readers of metadata and pixels.

Imports only `catalog.domain` and `catalog.errors`.
"""
