"""Compares this engine's searches with those of an earlier commit: what they find, and what they cost."""
