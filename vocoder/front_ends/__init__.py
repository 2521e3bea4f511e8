"""Turns audio into each dialect's mel: one file a dialect."""
