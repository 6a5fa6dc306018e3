"""From facts to actions, purely: no input or output, no clock. Imports only `catalog.domain` and `catalog.errors`."""
