"""Storage locations behind one small protocol.

Imports only `catalog.domain` and `catalog.errors`.
"""
