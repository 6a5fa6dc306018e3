"""The smaller commands, installed as `catalog.tools`."""
