"""Cuts rows of audio into batches that go through the network at once."""

from collections.abc import Iterator

SAMPLES_AT_ONCE = 105_000  # bounds a call's memory, 1.4 kB a sample; larger calls leave the cache and are slower


def batches(rows: int, samples: int, at_once: int = SAMPLES_AT_ONCE) -> Iterator[slice]:
    """Yields slices of rows of `samples` samples each: as many rows as `at_once` samples hold, at least one."""
    size = max(1, at_once // samples)
    return (slice(begin, begin + size) for begin in range(0, rows, size))
