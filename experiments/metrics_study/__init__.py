"""Studies which metric should decide a search."""
