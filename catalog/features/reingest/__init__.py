"""Handing an archive over to a cloud, with a person in the loop."""
