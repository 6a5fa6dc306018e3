"""Whether all is well: verify, check, copies, doctor, the engine."""
