"""The ops on networks, by family: each declared once, with its signature and meaning."""
