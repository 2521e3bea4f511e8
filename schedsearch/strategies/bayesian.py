"""Optuna's samplers as strategies: tpe, gp and random, for one objective or several.

Each proposal comes from a new sampler, seeded from the run's seed and the proposal's index, over an in-memory study of
all losses told. So a proposal depends on these alone, however often a run was stopped.
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
CUT = 50  # percentile: the GP sees higher losses cut to this one's
NEAR = 0.02  # in log-SNR: samplers do not see schedules farther from the box than this


def tpe(seed: int) -> BaseSampler:
    """Tree-structured Parzen estimator (Bergstra et al. 2011), multivariate; running trials count as bad."""
    return TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)


def random(seed: int) -> BaseSampler:
    """Uniform in the box: the baseline of all strategies."""
    return RandomSampler(seed=seed)


def gp(seed: int) -> BaseSampler:
    """Gaussian process with (batch) expected improvement; for up to about 12 dimensions and 200 trials."""
    return GPSampler(seed=seed, n_startup_trials=STARTUP, deterministic_objective=True)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {"tpe": tpe, "gp": gp, "random": random}
_OPTUNA = tuple(int(number) for number in optuna.__version__.split(".")[:2])
# The strategies that can serve several objectives. Before Optuna 4.4 its GPSampler can not.
SEVERAL_OBJECTIVES = tuple(name for name in SAMPLERS if name != "gp" or _OPTUNA >= (4, 4))

warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


class Bayesian:
    """Proposes points of the box; learns from all schedules that lie in it."""

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
        """`index` returns the next proposal's index, by default the number of schedules told. Processes that share a
        store pass the store's index, so that they do not propose the same. `pending` returns the schedules that other
        processes are scoring."""
        self.name, self._space, self._seed, self._objectives = name, space, seed, objectives
        self._index = index or (lambda: len(self._told))
        self._pending = pending
        self._told: dict[NoiseSchedule, FrozenTrial | None] = {}  # None: not shown to the sampler
        self._distributions: Mapping[str, BaseDistribution] = {
            f"u{i:02d}": FloatDistribution(0.0, 1.0) for i in range(space.dimensions)
        }

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns the next `count`; each takes those before it as running.

        What a sampler proposes again is replaced by a random point. Earlier versions of Optuna's GP take no notice of
        running trials.
        """
        study = optuna.create_study(directions=["minimize"] * self._objectives)
        if self.name != "random":  # which learns nothing: with a history each batch would cost more than the last
            study.add_trials([*self._finished(), *self._running()])
        first, known = self._index(), {*self._told, *self._pending()}
        proposals: list[NoiseSchedule] = []
        for index in range(first, first + count):
            proposal = self._proposed(study, self.name, index)
            if proposal in known:
                proposal = self._proposed(study, "random", index)
            known.add(proposal)
            proposals.append(proposal)
        return proposals

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Stores finished trials, and failed ones for failures."""
        for schedule, loss in zip(schedules, np.asarray(losses, dtype=np.float64), strict=True):
            learns = self.name != "random"
            self._told[schedule] = self._trial(schedule, np.atleast_1d(loss).tolist()) if learns else None

    def _finished(self) -> list[FrozenTrial]:
        """The trials that a sampler sees. The GP sees cut losses: bad schedules lose many times the difference between
        good ones, and a Gaussian process that follows those cliffs misses the valley. TPE uses ranks alone."""
        trials = [trial for trial in self._told.values() if trial is not None]
        if self.name != "gp" or self._objectives > 1:
            return trials
        losses = [trial.value for trial in trials if trial.state == TrialState.COMPLETE]
        highest = float(np.percentile(np.array(losses, dtype=np.float64), CUT)) if losses else np.inf
        return [self._cut(trial, highest) for trial in trials]

    def _running(self) -> list[FrozenTrial]:
        trials = [self._trial(schedule, [np.nan] * self._objectives) for schedule in self._pending()]
        return [
            create_trial(state=TrialState.RUNNING, params=trial.params, distributions=trial.distributions)
            for trial in trials
            if trial is not None
        ]

    def _cut(self, trial: FrozenTrial, highest: float) -> FrozenTrial:
        if trial.state != TrialState.COMPLETE or trial.value is None or trial.value <= highest:
            return trial
        return create_trial(value=highest, params=trial.params, distributions=dict(self._distributions))

    def _proposed(self, study: optuna.Study, sampler: str, index: int) -> NoiseSchedule:
        study.sampler = SAMPLERS[sampler](proposal_seed(self._seed, index))
        trial = study.ask(dict(self._distributions))
        return self._space.decode([trial.params[name] for name in self._distributions])

    def _trial(self, schedule: NoiseSchedule, losses: list[float]) -> FrozenTrial | None:
        clipped = self._space.clip(schedule)
        if clipped.moved > NEAR:
            return None
        finite = bool(np.isfinite(losses).all())
        return create_trial(
            state=TrialState.COMPLETE if finite else TrialState.FAIL,
            params=dict(zip(self._distributions, map(float, self._space.encode(clipped.schedule)), strict=True)),
            distributions=dict(self._distributions),
            values=losses if finite else None,
        )


def proposal_seed(seed: int, index: int) -> int:
    """Returns the seed of a run's index-th proposal."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {index}".encode(), digest_size=4).digest())
