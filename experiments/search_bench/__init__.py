"""Measures the search engine on a voice: `make bench-search`."""
