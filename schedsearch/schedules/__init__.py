"""Noise schedules: the value, formulas, published tables, files, and the space that is searched."""
