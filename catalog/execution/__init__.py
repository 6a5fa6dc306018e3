"""Survey, apply, journal, report: what turns plans into changes.

Imports `catalog.domain`, `catalog.plans`, `catalog.errors`; stores, index and media reach it as ready objects.
"""
