"""Keeps README and docs true: fills in their numbers, and checks links, anchors and numbers."""
