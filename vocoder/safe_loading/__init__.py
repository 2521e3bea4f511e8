"""Reads pickles and torch files without running what they hold."""
