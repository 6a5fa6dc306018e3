"""The web program: pages to look at, and an interface for programs, over the features."""
