"""How often each stage scores a clip, each time in other noise.

At few steps schedules differ least and noise matters most.
"""

import numpy as np

CALLS = 24  # network evaluations of each clip by a schedule of few steps
MOST, MOST_HELD_OUT = 4, 2
MOST_DRAWS = 100  # that a user can ask for
SHORT = 12  # steps: longer schedules cost most, and are scored less often
LEAST_SHARE = 3  # clips
MIXED = 4  # draws, of which each clip of a candidate has one by chance
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


def share_of(batch: int, clips: int) -> tuple[int, ...]:
    """Returns the draw of each clip for a batch of candidates: half of the clips have one by chance, the others -1.

    A search that scored all candidates in one draw would find the schedules that this draw's noise likes: that grows
    with the distance of two schedules, and no number of candidates averages it away.
    """
    rng = np.random.default_rng(batch)
    draws = rng.integers(MIXED, size=clips)
    draws[rng.permutation(clips)[max(LEAST_SHARE, (clips + 1) // 2) :]] = -1
    return tuple(int(draw) for draw in draws)
