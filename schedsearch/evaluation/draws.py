"""How often each stage scores a clip, each time in other noise.

At few steps schedules differ least and noise matters most.
"""

CALLS = 24  # network evaluations of each clip by a schedule of few steps
MOST, MOST_HELD_OUT = 4, 2
MOST_DRAWS = 100  # that a user can ask for
SHORT = 12  # steps: longer schedules cost most, and are scored less often
FEW_STEPS, FURTHER_FEW, FURTHER = 6, 3, 2


def search_draws(steps: int) -> tuple[int, ...]:
    """Returns the draws of a search clip that a score without a search takes: 4 up to 6 steps, 2 at 12, 1 from 13 on.
    """
    return tuple(range(max(1, min(MOST, CALLS // steps))))


def further_rounds(steps: int) -> int:
    """Returns how many further rounds leaders may have: 3 up to 6 steps, then 2."""
    return FURTHER_FEW if steps <= FEW_STEPS else FURTHER


def held_out_draws(steps: int) -> tuple[int, ...]:
    """Returns the draws of each held-out clip, from noise of its own: 2 up to 12 steps, then 1."""
    return tuple(range(max(1, min(MOST_HELD_OUT, CALLS // steps))))
