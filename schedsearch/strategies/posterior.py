"""A Gaussian process over log-SNR curves that knows how noisy each score is.

Rasmussen & Williams 2006, chapter 2. The distance of two schedules is that of their curves, read at a few positions.
The covariance is a bowl (a polynomial of degree two, whose middle is where the best lie) plus what deviates from it:
a stationary covariance alone expects as much from where nothing was tried as from among the best.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from schedsearch.evaluation.estimates import Estimates
from schedsearch.schedules.formulas import resample
from schedsearch.schedules.schedule import Array, NoiseSchedule

POSITIONS = 6  # at which a longer curve is read
WORST = 2.0  # in deviations of a pair, above the best: higher means are cut to it, or their cliffs hide the valley
BEST = 4  # schedules, whose mean is the middle of the bowl


@dataclass(frozen=True)
class Scored:
    """Schedules and the estimates of their means, lower is better."""

    schedules: Sequence[NoiseSchedule]
    estimates: Estimates


def posterior_of(scored: Scored) -> "Posterior":
    """Returns the posterior of these scores; of the latest ones it is fitted once, however often it is asked for."""
    means, variances = (each.tobytes() for each in (scored.estimates.means, scored.estimates.variances))
    return _fitted(tuple(scored.schedules), means, variances, scored.estimates.pair)


@lru_cache(maxsize=8)
def _fitted(schedules: tuple[NoiseSchedule, ...], means: bytes, variances: bytes, pair: float) -> "Posterior":
    return Posterior(Scored(schedules, Estimates(np.frombuffer(means), np.frombuffer(variances), pair)))


class Posterior:
    """What scores say of all schedules of one length. Values are in the scores' unit, lower is better."""

    def __init__(self, scored: Scored) -> None:
        """Takes the scores of two schedules or more."""
        self.schedules, means = list(scored.schedules), scored.estimates.means
        self._unit = float(np.sqrt(scored.estimates.pair)) or 1.0
        self._offset = float(np.median(means))
        self.ceiling = float(means.min()) + WORST * self._unit  # it knows nothing of what lies above
        self._targets = np.minimum(means, self.ceiling)
        self._noise = np.maximum(scored.estimates.variances / self._unit**2, 1e-6)
        self._middle = curves([self.schedules[i] for i in np.argsort(means, kind="stable")[:BEST]]).mean(axis=0)

    @cached_property
    def _process(self) -> Any:
        from sklearn.exceptions import ConvergenceWarning  # late: the import takes a second
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Matern

        bowl = ConstantKernel(1e-3, (1e-6, 1.0)) * DotProduct(1.0, (0.1, 10.0)) ** 2
        deviations = ConstantKernel(0.3, (1e-3, 10.0)) * Matern(3.0, (0.7, 10.0), nu=2.5)
        process = GaussianProcessRegressor(bowl + deviations, alpha=self._noise)
        with warnings.catch_warnings():  # of a hyper-parameter at its bound, which is no fault
            warnings.simplefilter("ignore", ConvergenceWarning)
            return process.fit(self._inputs(self.schedules), (self._targets - self._offset) / self._unit)

    def _inputs(self, schedules: Sequence[NoiseSchedule]) -> Array:
        return np.asarray(curves(schedules) - self._middle)

    def means(self, schedules: Sequence[NoiseSchedule]) -> Array:
        """Returns the expected mean score of each schedule, [S]."""
        return np.asarray(self._process.predict(self._inputs(schedules)) * self._unit + self._offset)

    def joint(self, schedules: Sequence[NoiseSchedule]) -> "Joint":
        """Returns the joint distribution of the schedules' mean scores."""
        means, covariance = self._process.predict(self._inputs(schedules), return_cov=True)
        return Joint(means * self._unit + self._offset, covariance * self._unit**2)


@dataclass(frozen=True)
class Joint:
    """A normal distribution of the mean scores of S schedules."""

    means: Array  # [S]
    covariance: Array  # [S, S]

    def draws(self, count: int, rng: np.random.Generator) -> Array:
        """Returns random mean scores, [count, S]."""
        values, vectors = np.linalg.eigh(self.covariance)  # steadier than Cholesky where schedules nearly coincide
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        return np.asarray(self.means + rng.standard_normal((count, len(values))) @ root.T)

    def means_after(self, observed: Sequence[int], values: Array, variance: float) -> Array:
        """Returns what the means would be after scores [count, observed] of this variance each: [count, S]."""
        rows = self.covariance[:, observed]
        noisy = rows[observed] + variance * np.eye(len(observed))
        return np.asarray(self.means + np.linalg.solve(noisy, (values - self.means[observed]).T).T @ rows.T)


def curves(schedules: Sequence[NoiseSchedule]) -> Array:
    """Returns the log-SNR curves, read at POSITIONS positions where a schedule has more steps: [S, positions]."""
    return np.array([resample(s, POSITIONS).log_snr if len(s) > POSITIONS else s.log_snr for s in schedules])
