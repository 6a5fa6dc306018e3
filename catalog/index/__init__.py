"""Elasticsearch: schema, documents, queries, and the node that serves them.

Imports only `catalog.domain` and `catalog.errors`.
"""
