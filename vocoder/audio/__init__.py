"""Reads and writes recordings."""
