"""A third kind of store, for tests: everything lies in memory, its capabilities vary,
and it counts what it is asked.
"""
