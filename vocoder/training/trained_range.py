"""Finds the noise levels that a network has seen in training. Outside them its answers are guesses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vocoder.dialects.fields import Fields
from vocoder.errors import InputError
from vocoder.training.noise_draws import LOG_SNR_RANGE

ROUNDING = 0.05  # log-SNR; beta_0 = 1e-6 of float32 is 1e-8 below it, and published levels have few digits


@dataclass(frozen=True)
class TrainedRange:
    """The cleanest and the noisiest level that training draws, as log-SNR, and the name of the draw."""

    name: str
    cleanest: float
    noisiest: float

    def outside(self, log_snr: npt.NDArray[np.float64]) -> list[int]:
        """Returns the steps of log_snr [N] whose level training never showed."""
        beyond = (log_snr > self.cleanest + ROUNDING) | (log_snr < self.noisiest - ROUNDING)
        return [int(step) for step in np.flatnonzero(beyond)]


def of_betas(name: str, betas: npt.NDArray[np.float64]) -> TrainedRange:
    """Returns the range from the first to the last level of a training schedule (Chen et al. 2020, section 2).

    Leaves out the draws between the first level and no noise at all, one in N.
    """
    if betas.ndim != 1 or len(betas) == 0 or not ((betas > 0) & (betas < 1)).all():
        raise InputError(f"{name} must have betas in (0, 1), and has others; correct the configuration")
    log_a = np.log1p(-betas).cumsum()
    log_snr = log_a - np.log(-np.expm1(log_a))
    return TrainedRange(name, float(log_snr[0]), float(log_snr[-1]))


USUAL = of_betas("linear(1e-6, 0.01, 1000)", np.linspace(1e-6, 1e-2, 1000))
STRATIFIED = TrainedRange("a training draw uniform in log-SNR", LOG_SNR_RANGE[1], LOG_SNR_RANGE[0])


def trained_range(config: Mapping[str, Any]) -> TrainedRange:
    """Reads the range from a configuration: ivanvovk's or coqui's JSON, or the params in lmnt's checkpoints.

    Raises InputError where it has no training noise schedule.
    """
    ivanvovk = config.get("training_config", {}), config.get("model_config", {})
    for section, key in zip(ivanvovk, ("training_noise_schedule", "noise_schedule"), strict=True):
        if isinstance(section, Mapping) and isinstance(section.get(key), Mapping):
            return _of_ivanvovk(section[key], key)
    if isinstance(config.get("train_noise_schedule"), Mapping):
        return _of_coqui(config["train_noise_schedule"])
    if isinstance(config.get("noise_schedule"), list):
        return _of_lmnt(config["noise_schedule"])
    raise InputError(
        "the configuration has no training noise schedule (training_noise_schedule, train_noise_schedule or lmnt's "
        "noise_schedule); give the one that the checkpoint was trained with"
    )


def _of_ivanvovk(settings: Mapping[str, Any], name: str) -> TrainedRange:
    """Reads {"n_iter": N, "betas_range": [first, last]}."""
    ends = settings.get("betas_range")
    if not isinstance(ends, list) or len(ends) != 2:
        raise InputError(f"{name}.betas_range must be two numbers, and is {ends!r}; correct the configuration")
    fields = Fields({"first": ends[0], "last": ends[1], "n_iter": settings.get("n_iter")}, name)
    return _line(fields.number("first"), fields.number("last"), fields.integer("n_iter"))


def _of_coqui(settings: Mapping[str, Any]) -> TrainedRange:
    fields = Fields(settings, "train_noise_schedule")
    return _line(fields.number("min_val"), fields.number("max_val"), fields.integer("num_steps"))


def _of_lmnt(betas: list[Any]) -> TrainedRange:
    try:
        values = np.array(betas, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("noise_schedule must be a list of numbers, and is not; correct the params") from error
    return of_betas(f"the params' noise_schedule of {len(betas)} steps", values)


def _line(first: float, last: float, steps: int) -> TrainedRange:
    return of_betas(f"linear({first:g}, {last:g}, {steps})", np.linspace(first, last, steps))
