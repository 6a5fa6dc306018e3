"""A stand-in for Elasticsearch that holds its indexes in memory and answers over HTTP.

It knows what this program and its tests ask of Elasticsearch, and does that as Elasticsearch does
(tests/contract/test_index.py holds both to the same tests). What it does not know it refuses, with
a name for it; it never guesses.
"""

from .cluster import Cluster
from .refusals import NotEmulated
from .server import MemoryIndex

__all__ = ["Cluster", "MemoryIndex", "NotEmulated"]
