"""Making the index agree with a store: sync, watch, rebuild."""
