"""A folder of this machine as a store: disk, NAS mount, USB drive."""
