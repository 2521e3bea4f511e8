"""The search engine measured on a voice: `make bench-search`."""
