"""One file a strategy: each proposes schedules and learns from their scores."""
