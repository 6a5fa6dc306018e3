"""Elasticsearch: schema, documents, queries, and what changes documents.

Imports only `catalog.domain` and `catalog.errors`.
"""
