"""Gaussian processes over log-SNR curves that know how noisy each score is.

Rasmussen & Williams 2006, chapter 2. Schedules are told apart by the two ends of their curves and the falls between a
few positions: that predicts scores of new schedules better than the levels do. The covariance is a bowl (a polynomial
of degree two, whose middle is where the best lie) plus what deviates from it: a stationary covariance alone expects as
much from where nothing was tried as from among the best.

Where a score is the sum of a quiet part and a noisy one, each has a process of its own. The noise of the sum would hide
what the quiet part says clearly.
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
    parts: Sequence[Estimates] = ()  # that add up to the estimates

    @property
    def addends(self) -> Sequence[Estimates]:
        """Returns the parts, or the estimates themselves where there are none."""
        return self.parts or [self.estimates]


def posterior_of(scored: Scored) -> "Posterior":
    """Returns the posterior of these scores; of the latest ones it is fitted once, however often it is asked for."""
    plain = [(e.means.tobytes(), e.variances.tobytes(), e.pair) for e in (scored.estimates, *scored.parts)]
    return _fitted(tuple(scored.schedules), tuple(plain))


@lru_cache(maxsize=8)
def _fitted(schedules: tuple[NoiseSchedule, ...], plain: tuple[tuple[bytes, bytes, float], ...]) -> "Posterior":
    estimates = [Estimates(np.frombuffer(means), np.frombuffer(variances), pair) for means, variances, pair in plain]
    return Posterior(Scored(schedules, estimates[0], estimates[1:]))


class Posterior:
    """What scores say of all schedules of one length. Values are in the scores' unit, lower is better."""

    def __init__(self, scored: Scored) -> None:
        """Takes the scores of two schedules or more."""
        self.schedules, means = list(scored.schedules), scored.estimates.means
        reach = WORST * (float(np.sqrt(scored.estimates.pair)) or 1.0)
        self.ceiling = float(means.min()) + reach  # it knows nothing of what lies above
        inputs = features(self.schedules)
        middle = inputs[np.argsort(means, kind="stable")[:BEST]].mean(axis=0)
        self._processes = [_Process(inputs, part, middle, reach) for part in scored.addends]

    def means(self, schedules: Sequence[NoiseSchedule]) -> Array:
        """Returns the expected mean score of each schedule, [S]."""
        return self.joint(schedules).means

    def joint(self, schedules: Sequence[NoiseSchedule]) -> "Joint":
        """Returns the joint distribution of the schedules' mean scores."""
        return sum_of(self.addends(schedules))

    def addends(self, schedules: Sequence[NoiseSchedule]) -> "list[Joint]":
        """Returns the joint distribution of each part of the scores, as `Scored.addends` has them."""
        inputs = features(schedules)
        return [process.joint(inputs) for process in self._processes]


class _Process:
    """The process of one part of the scores."""

    def __init__(self, inputs: Array, estimates: Estimates, middle: Array, reach: float) -> None:
        """Takes features [S, F], the middle of the bowl, and how far above the best a mean still counts."""
        self._middle, self._unit = middle, float(np.sqrt(estimates.pair)) or 1.0
        self._offset = float(np.median(estimates.means))
        targets = np.minimum(estimates.means, estimates.means.min() + reach)
        self._noise = np.maximum(estimates.variances / self._unit**2, 1e-6)
        self._known = inputs - middle, (targets - self._offset) / self._unit

    @cached_property
    def _fitted(self) -> Any:
        from sklearn.exceptions import ConvergenceWarning  # late: the import takes a second
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Matern

        bowl = ConstantKernel(1e-3, (1e-6, 1.0)) * DotProduct(1.0, (0.1, 10.0)) ** 2
        deviations = ConstantKernel(0.3, (1e-3, 10.0)) * Matern(3.0, (0.7, 10.0), nu=2.5)
        process = GaussianProcessRegressor(bowl + deviations, alpha=self._noise)
        with warnings.catch_warnings():  # of a hyper-parameter at its bound, which is no fault
            warnings.simplefilter("ignore", ConvergenceWarning)
            return process.fit(*self._known)

    def joint(self, inputs: Array) -> "Joint":
        means, covariance = self._fitted.predict(inputs - self._middle, return_cov=True)
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


def sum_of(joints: Sequence[Joint]) -> Joint:
    """Returns the distribution of the sum of independent ones."""
    means, covariances = zip(*((joint.means, joint.covariance) for joint in joints), strict=True)
    return Joint(np.sum(means, axis=0), np.sum(covariances, axis=0))


def features(schedules: Sequence[NoiseSchedule]) -> Array:
    """Returns each log-SNR curve's first value, its changes from position to position and its last value: [S, F].

    A curve of more steps is read at POSITIONS positions.
    """
    curves = np.array([(resample(s, POSITIONS) if len(s) > POSITIONS else s).log_snr for s in schedules])
    return np.concatenate([curves[:, :1], np.diff(curves), curves[:, -1:]], axis=1)
