"""Measures what a choice by one metric loses in the others."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from experiments.metrics_study.agreement import interval
from experiments.metrics_study.losses import Array

Losses: TypeAlias = Mapping[str, Array]  # by metric, [schedule, clip]

RESAMPLES = 2000
TOP = (1, 3)  # how many of the best are chosen


def regret(chooser: Array, judge: Array, k: int) -> Array:
    """Returns the judge's mean over the chooser's best k, less that over its own best k, of means [..., schedule].

    From 0 (the choice is as good as the judge's own) upwards.
    """
    chosen = np.take_along_axis(judge, chooser.argsort(axis=-1)[..., :k], axis=-1)
    return np.asarray(chosen.mean(axis=-1) - np.sort(judge, axis=-1)[..., :k].mean(axis=-1))


def resampled_means(values: Array, *, seed: int, resamples: int = RESAMPLES) -> Array:
    """Returns means [1 + resample, schedule] of losses [schedule, clip]: over all clips, then over clips drawn anew."""
    clips = values.shape[1]
    drawn = np.random.default_rng(seed).multinomial(clips, np.full(clips, 1 / clips), size=resamples) / clips
    return np.vstack([values.mean(axis=1), drawn @ values.T])


def regrets(
    choosing: Losses, judging: Losses, units: Mapping[str, float], judges: Sequence[str], k: int
) -> dict[str, Array]:
    """Returns regrets [judge, 1 + resample] by chooser, in standard units of the judge.

    The losses [schedule, clip] that choose and those that judge are of different clips; each is drawn anew with its
    own seed, which all metrics share: metrics are compared on the same draws of clips.
    """
    chosen = {name: resampled_means(values, seed=0) for name, values in choosing.items()}
    judged = {name: resampled_means(judging[name], seed=1) for name in judges}
    return {
        name: np.array([regret(means, judged[judge], k) / units[judge] for judge in judges])
        for name, means in chosen.items()
    }


def regret_table(choosing: Losses, judging: Losses, units: Mapping[str, float], judges: Sequence[str]) -> pd.DataFrame:
    """Returns a row for each k, chooser and judge, in the judge's unit and in standard units, with the interval."""
    rows = []
    for k in TOP:
        for chooser, of_judges in regrets(choosing, judging, units, judges, k).items():
            for judge, values in zip(judges, of_judges, strict=True):
                low, high = interval(values[1:])
                rows.append(
                    {
                        "best": k,
                        "chosen_by": chooser,
                        "judge": judge,
                        "regret": values[0] * units[judge],
                        "standard_units": values[0],
                        "low": low,
                        "high": high,
                    }
                )
    return pd.DataFrame(rows)


def worst_table(
    choosing: Losses, judging: Losses, units: Mapping[str, float], judges: Sequence[str], k: int
) -> pd.DataFrame:
    """Returns a row a chooser, least first: its worst regret over the judges, with the interval over clips.

    `more_than_least` is how much worse it is than the first row's, paired over the draws of clips. A metric that
    chooses a schedule on which a judge fails has no expected regret (NaN) and stands last.
    """
    of_judges = regrets(choosing, judging, units, judges, k)
    worst = {name: values.max(axis=0) for name, values in of_judges.items()}
    order = sorted(worst, key=lambda name: _nan_last(float(worst[name][1:].mean())))
    rows = []
    for name in order:
        low, high = interval(worst[name][1:])
        above = interval((worst[name] - worst[order[0]])[1:])
        rows.append(
            {
                "chosen_by": name,
                "worst_regret": worst[name][0],
                "expected": worst[name][1:].mean(),
                "low": low,
                "high": high,
                "worst_for": judges[int(of_judges[name][:, 0].argmax())],
                "more_than_least_low": above[0],
                "more_than_least_high": above[1],
            }
        )
    return pd.DataFrame(rows)


def _nan_last(value: float) -> float:
    """Returns a key to sort by: NaN is neither less nor more than a number, and would leave all in disorder."""
    return math.inf if math.isnan(value) else value
