"""Mels of a text-to-speech system, which take the place of the recordings' own."""
