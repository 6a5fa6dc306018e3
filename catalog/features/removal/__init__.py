"""Taking away with proof: forgetting, pruning, the trash."""
