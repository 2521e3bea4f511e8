"""Proposes where a Gaussian process of all scores expects to gain, and ends when there is nothing left to gain.

Each proposal of a batch but the first is the best of the options in one draw from the posterior (Thompson 1933; in
batches: Kandasamy et al. 2018). The first has the best expected score. What further candidates could gain is
simulated: draws from the posterior are the truth, MORE candidates are scored in it with noise, and the schedule that is
chosen then is compared with the one that is chosen now.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from schedsearch.evaluation.bootstrap import COVERAGE
from schedsearch.schedules.formulas import TERMINAL_LOG_SNR
from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.schedules.search_space import FIRST_LOG_SNR, ScheduleSpace
from schedsearch.strategies.bayesian import proposal_seed
from schedsearch.strategies.posterior import Posterior, Scored, posterior_of, sum_of
from schedsearch.strategies.strategy import Losses

LEAST = 4  # scored schedules that a posterior is fitted to
# Most steps, and candidates before which it does not end: a model of few scores takes what it has not seen for noise.
SETTLED = ((6, 48), (12, 32), (math.inf, 24))
PARENTS = 8  # the best schedules, between and around which options lie
OPTIONS, WIDE = 320, 80  # near the best schedules, and anywhere in the box
KNOTS = 5  # of the smooth curve that is added to an option
MOVES = (0.1, 0.3, 0.8)  # its standard deviation, in log-SNR
MORE = 50  # candidates, of which is said what they could gain
DRAWS = 1000  # from the posterior, to say it
NEAR = 0.05  # in log-SNR, root mean square: nearer schedules are the same, as long as there are others


@dataclass(frozen=True)
class Gain:
    """What MORE candidates could gain: the expectation, and a bound that holds with probability COVERAGE."""

    mean: float
    bound: float


class Surrogate:
    """Proposes until what could be gained, on average, is less than is worth having."""

    name = "model"
    batch = 4

    def __init__(
        self,
        space: ScheduleSpace,
        seed: int,
        scored: Callable[[], Scored],
        *,
        index: Callable[[], int],
        pending: Callable[[], Sequence[NoiseSchedule]] = tuple,
        worth: Callable[[float], float] | None = None,
    ) -> None:
        """`scored` returns all schedules with their estimates, `index` the next proposal's index, `pending` what other
        processes are scoring. `worth` takes the variance of one pair and returns the least gain worth a search; without
        it proposals never end; with it they do not end before `settled`."""
        self._space, self._seed, self._scored, self._index = space, seed, scored, index
        self._pending, self._worth = pending, worth

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns up to `count` proposals; [] when nothing worth having is left to gain, or for too few scores."""
        scored = self._scored()
        if len(scored.schedules) < LEAST:
            return []
        rng = np.random.default_rng(proposal_seed(self._seed, self._index()))
        posterior = posterior_of(scored)
        options = self._options(posterior, rng)
        is_settled = self._index() >= settled(self._space.steps)
        worth = self._worth(scored.estimates.pair) if self._worth and is_settled else 0.0
        if worth and gain_left(posterior, scored, options, rng).mean < worth:
            return []
        joint = posterior.joint(options)
        orders = [joint.means, *joint.draws(count - 1, rng)]
        ranked = [[options[i] for i in np.argsort(order)] for order in orders]
        taken = [*scored.schedules, *self._pending()]
        apart = (_apart(ranked, taken, near) for near in (NEAR, NEAR / 4, NEAR / 16))  # of one step little room is left
        return next(filter(None, apart), [])

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Learns nothing here: `scored` knows how noisy each loss is."""

    def gain(self) -> Gain | None:
        """Returns what further candidates could gain now; None for too few scores."""
        scored = self._scored()
        if len(scored.schedules) < LEAST:
            return None
        rng = np.random.default_rng(proposal_seed(self._seed, self._index()))
        posterior = posterior_of(scored)
        return gain_left(posterior, scored, self._options(posterior, rng), rng)

    def _options(self, posterior: Posterior, rng: np.random.Generator) -> list[NoiseSchedule]:
        """Returns means of the best schedules, curves between and around them, and points of the whole box."""
        order = np.argsort(posterior.means(posterior.schedules), kind="stable")
        parents = np.array([posterior.schedules[i].log_snr for i in order[:PARENTS]])
        centroids = [parents[:count].mean(axis=0) for count in (2, 4, PARENTS)]
        near = [_child(parents, rng) for _ in range(OPTIONS)]
        wide = [self._space.decode(rng.random(self._space.dimensions)) for _ in range(WIDE)]
        return [NoiseSchedule.from_log_snr(curve) for curve in [*centroids, *near] if _legal(curve)] + wide


def settled(steps: int) -> int:
    """Returns before how many candidates a search of this length does not end by itself."""
    return next(candidates for most, candidates in SETTLED if steps <= most)


def gain_left(
    posterior: Posterior, scored: Scored, options: Sequence[NoiseSchedule], rng: np.random.Generator
) -> Gain:
    """Returns how much better the chosen schedule would be after MORE candidates, each scored as most are now."""
    picks = posterior.joint(options).draws(MORE, rng).argmin(axis=1)
    known = len(posterior.schedules)
    addends = posterior.addends([*posterior.schedules, *(options[i] for i in dict.fromkeys(picks.tolist()))])
    now, size = int(sum_of(addends).means[:known].argmin()), len(addends[0].means)
    truth, then = np.zeros((2, DRAWS, size))
    for part, estimates in zip(addends, scored.addends, strict=True):
        new, variance = list(range(known, size)), float(np.median(estimates.variances))
        true = part.draws(DRAWS, rng)
        heard = true[:, new] + np.sqrt(variance) * rng.standard_normal((DRAWS, len(new)))
        truth, then = truth + true, then + part.means_after(new, heard, variance)
    gains = truth[:, now] - truth[np.arange(DRAWS), then.argmin(axis=1)]
    return Gain(float(gains.mean()), float(np.quantile(gains, COVERAGE)))


def _child(parents: Array, rng: np.random.Generator) -> Array:
    """Returns the log-SNR of a mixture of two parents [P, N], moved by a smooth random curve, with its ends in the box.
    """
    first, second = rng.integers(len(parents), size=2)
    share = rng.random()
    mixture = share * parents[first] + (1 - share) * parents[second]
    positions, knots = np.linspace(0, 1, len(mixture)), np.linspace(0, 1, KNOTS)
    moved = mixture + np.interp(positions, knots, rng.choice(MOVES) * rng.standard_normal(KNOTS))
    if len(moved) > 1:  # a single step is the noisiest one
        moved[0] = np.clip(moved[0], *FIRST_LOG_SNR)
    moved[-1] = np.clip(moved[-1], *TERMINAL_LOG_SNR)
    return np.asarray(moved)


def _legal(curve: Array) -> bool:
    """Whether the log-SNR falls from step to step, visibly."""
    return bool((np.diff(curve) < -1e-3).all()) and curve[0] <= FIRST_LOG_SNR[1]


def _apart(rows: Sequence[Sequence[NoiseSchedule]], taken: Sequence[NoiseSchedule], near: float) -> list[NoiseSchedule]:
    """Returns the first schedule of each row that is near no other."""
    known, chosen = [*taken], []
    for schedules in rows:
        fresh = (s for s in schedules if all(s.distance(other) >= near for other in known))
        if (schedule := next(fresh, None)) is not None:
            chosen.append(schedule)
            known.append(schedule)
    return chosen
