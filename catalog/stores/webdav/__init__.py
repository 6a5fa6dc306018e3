"""Stores on WebDAV servers: a plain one (RFC 4918), Nextcloud, ownCloud."""
