"""Pictures of another size: decoded, scaled, and written with all that the first one states."""
