"""Questions: search, show, status, history, and what lies in a folder."""
