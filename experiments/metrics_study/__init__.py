"""A study of the metrics: which of them should decide a search."""
