"""Getting curated photos and videos back into a cloud, with a person who decides over a table in between.

`archive` looks, `tables` are what a person edits, `staging` is where the copies go, `handing_over` records them.
"""
