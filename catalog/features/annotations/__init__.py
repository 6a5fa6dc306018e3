"""What a person says of assets: tags, values, and their sidecars."""
