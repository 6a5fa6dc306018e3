"""Making one store hold what another holds."""
