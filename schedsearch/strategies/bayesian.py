"""Optuna's samplers as strategies: tpe, gp and random, for one objective or for several.

Each proposal comes from a sampler of its own, seeded from the run's seed and the proposal's index, over an in-memory
study of all that was told: so a proposal is a function of those alone, however often a run was stopped.
"""

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.strategies.strategy import Losses

STARTUP = 12  # proposals drawn at random before TPE and GP fit anything
KEPT = 50  # percentile; GP is told losses no higher than this one's
NEAR = 0.02  # in log-SNR: what lies farther from the box than this is not shown to samplers


def tpe(seed: int) -> BaseSampler:
    """Tree-structured Parzen estimator (Bergstra et al. 2011), multivariate, running trials taken to be bad."""
    return TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)


def random(seed: int) -> BaseSampler:
    """Uniform in the box: what any other strategy must beat."""
    return RandomSampler(seed=seed)


def gp(seed: int) -> BaseSampler:
    """Gaussian process with (batch) expected improvement; for up to about 12 dimensions and 200 trials."""
    return GPSampler(seed=seed, n_startup_trials=STARTUP, deterministic_objective=True)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {"tpe": tpe, "gp": gp, "random": random}

warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


class Bayesian:
    """Proposes points of the box; learns from whatever it is told that lies in it."""

    network_evaluations = 0
    batch = 4

    def __init__(
        self,
        name: str,
        space: ScheduleSpace,
        seed: int,
        *,
        objectives: int = 1,
        index: Callable[[], int] | None = None,
        pending: Callable[[], Sequence[NoiseSchedule]] = tuple,
    ) -> None:
        """`index` of the next proposal, by default the number of schedules told: processes that share a store pass
        the store's, so that they do not propose the same; `pending` are those that others are scoring."""
        self.name, self._space, self._seed, self._objectives = name, space, seed, objectives
        self._index = index or (lambda: len(self._told))
        self._pending = pending
        self._told: dict[NoiseSchedule, FrozenTrial | None] = {}  # None: outside the box
        self._distributions: Mapping[str, BaseDistribution] = {
            f"u{i:02d}": FloatDistribution(0.0, 1.0) for i in range(space.dimensions)
        }

    def ask(self, count: int) -> list[NoiseSchedule]:
        """The next `count`, each knowing that the ones before it are under way."""
        study = optuna.create_study(directions=["minimize"] * self._objectives)
        study.add_trials([*self._shown(), *self._under_way()])
        first = self._index()
        return [self._proposed(study, first + i) for i in range(count)]

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Kept as finished trials; a failure as a failed one."""
        for schedule, loss in zip(schedules, np.asarray(losses, dtype=np.float64), strict=True):
            self._told[schedule] = self._trial(schedule, np.atleast_1d(loss).tolist())

    def _shown(self) -> list[FrozenTrial]:
        """What the sampler sees. Bad schedules lose by many times what good ones differ by, and a Gaussian process that
        has to follow those cliffs sees nothing of the valley: it is told a cut loss. TPE uses ranks alone."""
        trials = [trial for trial in self._told.values() if trial is not None]
        sound = [trial.value for trial in trials if trial.state == TrialState.COMPLETE] if self._objectives == 1 else []
        if self.name != "gp" or not sound:
            return trials
        most = float(np.percentile(np.array(sound, dtype=np.float64), KEPT))
        return [self._cut(trial, most) for trial in trials]

    def _under_way(self) -> list[FrozenTrial]:
        found = [self._trial(schedule, [np.nan] * self._objectives) for schedule in self._pending()]
        return [
            create_trial(state=TrialState.RUNNING, params=trial.params, distributions=trial.distributions)
            for trial in found
            if trial is not None
        ]

    def _cut(self, trial: FrozenTrial, most: float) -> FrozenTrial:
        if trial.state != TrialState.COMPLETE or trial.value is None or trial.value <= most:
            return trial
        return create_trial(value=most, params=trial.params, distributions=dict(self._distributions))

    def _proposed(self, study: optuna.Study, index: int) -> NoiseSchedule:
        study.sampler = SAMPLERS[self.name](proposal_seed(self._seed, index))
        trial = study.ask(dict(self._distributions))
        return self._space.decode([trial.params[name] for name in self._distributions])

    def _trial(self, schedule: NoiseSchedule, losses: list[float]) -> FrozenTrial | None:
        clipped = self._space.clip(schedule)
        if clipped.moved > NEAR:
            return None
        sound = bool(np.isfinite(losses).all())
        return create_trial(
            state=TrialState.COMPLETE if sound else TrialState.FAIL,
            params=dict(zip(self._distributions, map(float, self._space.encode(clipped.schedule)), strict=True)),
            distributions=dict(self._distributions),
            values=losses if sound else None,
        )


def proposal_seed(seed: int, index: int) -> int:
    """Of the index-th proposal of a run."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {index}".encode(), digest_size=4).digest())
