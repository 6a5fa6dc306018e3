"""Reading once more what files state: by a newer version, or for another home zone."""
