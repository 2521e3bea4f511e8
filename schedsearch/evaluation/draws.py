"""Which noise draws of a clip each stage scores.

At few steps schedules differ least and noise matters most. There further draws of the same clips bring a schedule's
score nearer to its held-out score than longer clips of the same cost do (experiments/search_bench/noise.py).
"""

CALLS = 24  # network evaluations of each clip by a candidate of few steps
MOST, MOST_HELD_OUT = 4, 2
LEAST_FRESH = 2  # of the finalists
MOST_DRAWS = 100  # that a user can ask for


def search_draws(steps: int) -> tuple[int, ...]:
    """Returns the draws of each search clip: 4 up to 6 steps, 2 at 12, 1 from 13 on."""
    return tuple(range(max(1, min(MOST, CALLS // steps))))


def finalist_draws(steps: int) -> tuple[int, ...]:
    """Returns the draws of the finalists: as many as the search had, at least two, and none of the search's own."""
    searched = len(search_draws(steps))
    return tuple(range(searched, searched + max(LEAST_FRESH, searched)))


def held_out_draws(steps: int) -> tuple[int, ...]:
    """Returns the draws of each held-out clip, from noise of its own: 2 up to 12 steps, then 1."""
    return tuple(range(max(1, min(MOST_HELD_OUT, CALLS // steps))))
