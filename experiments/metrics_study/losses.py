"""Turns scores into losses: less is better in every metric, so that no comparison asks for directions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from experiments.metrics_study.schedules import Named
from schedsearch.metrics.catalogue import catalogue

Array: TypeAlias = npt.NDArray[np.float64]

RATE = 16000  # Hz; the catalogue's names are those of all wide-band voices
LEVEL = "level_error"  # of a clip: how many dB too quiet or too loud it is
# Sums that might decide, with their parts' weights; PESQ counts from its best down, and a constant ranks nothing.
_SPECTRAL = {"log_mel_l1": 1.0, "stft_convergence": 1.0}
_STFT = {"stft_convergence": 1.0, "stft_log_magnitude": 1.0}
SUMS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "spectral": _SPECTRAL,
        "mr_stft": _STFT,
        "log_mel_l1 + mr_stft": {"log_mel_l1": 1.0, **_STFT},
        "spectral_pesq_wb": {**_SPECTRAL, "pesq_wb": 1.0},
        "spectral + pesq_wb / 2": {**_SPECTRAL, "pesq_wb": 0.5},
        "spectral + 2 pesq_wb": {**_SPECTRAL, "pesq_wb": 2.0},
        "mr_stft + pesq_wb / 2": {**_STFT, "pesq_wb": 0.5},
        "mr_stft + pesq_wb": {**_STFT, "pesq_wb": 1.0},
        "log_mel_l1 + pesq_wb": {"log_mel_l1": 1.0, "pesq_wb": 1.0},
    }
)
JUDGES = ("pesq_wb", "stoi", "log_mel_l1", "lsd", LEVEL)  # one of each kind: what a choice must not lose
PITCH = ("f0_rmse", "voicing_error", "ffe")  # of few clips: they choose nothing here
SIGNS = {d.name: -1 if d.direction == "maximize" else 1 for d in catalogue(RATE)}
GOOD, USABLE = 0.5, 0.75  # parts of the schedules, best first


@dataclass(frozen=True)
class Losses:
    """Losses of schedules of one length, on all clips, NaN where a value is missing."""

    schedules: tuple[Named, ...]
    values: Mapping[str, Array]  # by metric, [schedule, clip, draw]

    def only(self, mask: npt.NDArray[np.bool_]) -> "Losses":
        """Returns the losses of the schedules in a mask [schedule]."""
        schedules = tuple(named for named, keep in zip(self.schedules, mask, strict=True) if keep)
        return Losses(schedules, {name: value[mask] for name, value in self.values.items()})

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics in which less is better; the level itself is not one."""
        return tuple(name for name in self.values if name != "level")

    def first_draw(self, metric: str) -> Array:
        """Returns losses [schedule, clip] of the first draw, whose noise all schedules share."""
        return self.values[metric][:, :, 0]


def as_losses(scores: Mapping[str, Sequence[float]]) -> dict[str, Array]:
    """Turns one value a clip of each metric into losses, and adds the sums."""
    losses = {name: SIGNS[name] * np.asarray(row, dtype=np.float64) for name, row in scores.items()}
    losses[LEVEL] = np.abs(losses["level"])
    return losses | {
        name: np.sum([weight * losses[part] for part, weight in parts.items()], axis=0) for name, parts in SUMS.items()
    }


def stacked(schedules: Sequence[Named], scored: Sequence[Sequence[Mapping[str, Sequence[float]] | None]]) -> Losses:
    """Turns scores [schedule][draw], None where there are none, into losses."""
    losses = [[None if scores is None else as_losses(scores) for scores in draws] for draws in scored]
    first = next(draw for draws in losses for draw in draws if draw is not None)
    nothing = {name: np.full_like(row, np.nan) for name, row in first.items()}
    values = {
        name: np.array([[(nothing if draw is None else draw)[name] for draw in draws] for draws in losses])
        for name in first
    }
    return Losses(tuple(schedules), {name: value.swapaxes(1, 2) for name, value in values.items()})


def best_part(losses: Losses, clips: npt.NDArray[np.int64], part: float) -> npt.NDArray[np.bool_]:
    """Returns a mask [schedule] of the part that has the best mean rank over the judges on these clips."""
    means = np.array([asked(losses.first_draw(judge)[:, clips]).mean(axis=1) for judge in JUDGES])
    ranks = means.argsort(axis=1).argsort(axis=1).mean(axis=0)
    return np.asarray(ranks <= np.quantile(ranks, part))


def spread(losses: Losses, good: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Returns each metric's standard unit: the standard deviation of the means of good schedules."""
    return {name: float(scored_means(losses.first_draw(name)[good]).std(ddof=1)) for name in losses.metrics}


def asked(values: Array) -> Array:
    """Cuts [schedule, clip] to the clips on which any schedule has a value."""
    return np.asarray(values[:, np.isfinite(values).any(axis=0)])


def scored_means(values: Array) -> Array:
    """Returns means of [schedule, clip] over the scored clips, of the schedules without a failure there."""
    means = asked(values).mean(axis=1)
    return np.asarray(means[np.isfinite(means)])
