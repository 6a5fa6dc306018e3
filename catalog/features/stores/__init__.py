"""The stores of a catalog: adding, listing, removing, and the Dropbox account."""
