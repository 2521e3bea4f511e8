"""Checks that a network is trained, and that its front end is the one it was trained with."""
