"""Who may look at the catalog on the web: users, tokens of programs, sessions of browsers."""
