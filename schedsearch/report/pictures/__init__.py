"""Pictures of what a run found: plain data -> a matplotlib Figure -> PNG bytes; computes no new scores."""
