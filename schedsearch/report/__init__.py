"""Writes what a run's store holds as files for people. Computes no new scores."""
