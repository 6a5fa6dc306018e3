"""The timeline: every asset in the order of its wall clock, in one file mapped into memory."""
