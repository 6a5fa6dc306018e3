"""Folders that are opened once, and what lies beneath them, reached without following links."""
