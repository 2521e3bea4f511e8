"""What a run's store holds, as files for people: computes no new scores."""
