"""Bringing bytes to Dropbox: small files many at a time, middling ones in one request,
large ones in pieces.
"""
