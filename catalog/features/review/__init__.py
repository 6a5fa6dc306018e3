"""Looking at look-alikes and bad shots, and deciding."""
