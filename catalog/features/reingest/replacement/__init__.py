"""Replacing archived media by what was converted."""
