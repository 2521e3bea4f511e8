"""Draws pictures: plain data -> a Matplotlib figure -> PNG bytes. Computes no new scores."""
