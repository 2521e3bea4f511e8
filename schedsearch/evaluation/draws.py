"""Which noise draws of a clip each stage scores.

At few steps schedules differ least and noise matters most. There further draws of the same clips bring a schedule's
score nearer to its held-out score than longer clips of the same cost do.
"""

CALLS = 24  # network evaluations of each clip by a candidate of few steps
MOST, MOST_HELD_OUT = 4, 2
LEAST_LEADERS = 2
MOST_DRAWS = 100  # that a user can ask for


def search_draws(steps: int) -> tuple[int, ...]:
    """Returns the draws of each search clip: 4 up to 6 steps, 2 at 12, 1 from 13 on. Candidates hear the first."""
    return tuple(range(max(1, min(MOST, CALLS // steps))))


def leader_draws(steps: int) -> tuple[int, ...]:
    """Returns the draws that leaders may hear: the first, and one more at least."""
    return tuple(range(max(LEAST_LEADERS, len(search_draws(steps)))))


def held_out_draws(steps: int) -> tuple[int, ...]:
    """Returns the draws of each held-out clip, from noise of its own: 2 up to 12 steps, then 1."""
    return tuple(range(max(1, min(MOST_HELD_OUT, CALLS // steps))))
