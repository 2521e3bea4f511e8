"""Optuna's samplers by name, each a function of a seed: a proposal is a function of its seed and the trials so far."""

import warnings
from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

STARTUP = 12  # proposals drawn at random before TPE fits its first densities


def tpe(seed: int) -> BaseSampler:
    """Tree-structured Parzen estimator (Bergstra et al. 2011), multivariate, running trials taken to be bad."""
    return TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)


def random(seed: int) -> BaseSampler:
    """Uniform in the box: what any other strategy must beat."""
    return RandomSampler(seed=seed)


def gp(seed: int) -> BaseSampler:
    """Gaussian process with expected improvement; for up to about 12 dimensions and 200 trials."""
    return GPSampler(seed=seed, n_startup_trials=STARTUP, deterministic_objective=True)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {"tpe": tpe, "gp": gp, "random": random}

warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
