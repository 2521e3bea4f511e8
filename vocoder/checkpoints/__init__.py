"""Loads checkpoints of ivanvovk's, lmnt's and coqui's code, and their configurations."""
