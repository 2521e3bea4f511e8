"""How many noise draws of a clip each stage hears.

At few steps schedules differ least and chance most: further draws of the same clips bring a schedule's score nearer to
that on held-out clips than as much longer clips do (experiments/search_bench/noise.py). There they cost least, too.
"""

CALLS = 24  # network evaluations a clip that a candidate of few steps gets
MOST, MOST_HELD_OUT = 4, 2
LEAST_FRESH = 2  # of the finalists


def search_draws(steps: int) -> tuple[int, ...]:
    """4 up to 6 steps, 2 at 12, 1 from 13 on."""
    return tuple(range(max(1, min(MOST, CALLS // steps))))


def finalist_draws(steps: int) -> tuple[int, ...]:
    """As many others; two at least."""
    heard = len(search_draws(steps))
    return tuple(range(heard, heard + max(LEAST_FRESH, heard)))


def held_out_draws(steps: int) -> tuple[int, ...]:
    """Of the held-out clips' own noise: 2 up to 12 steps, then 1."""
    return tuple(range(max(1, min(MOST_HELD_OUT, CALLS // steps))))


MOST_DRAWS = 100
