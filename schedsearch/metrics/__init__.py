"""Metrics: pure functions (reference, estimate, sample rate) -> one value per clip. Callers average.

None hears a constant offset (see `offset`).
"""
