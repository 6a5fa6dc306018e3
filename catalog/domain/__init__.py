"""Values and rules: no input or output, no clock, no settings. Imports only `catalog.errors`."""
