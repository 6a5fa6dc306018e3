"""A folder of a Dropbox account as a store, on the official SDK."""
