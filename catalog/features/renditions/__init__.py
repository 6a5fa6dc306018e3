"""Pictures and films that are made of assets to be looked at: small, quick to have, and a cache."""
