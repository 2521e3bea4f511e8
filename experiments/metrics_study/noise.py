"""Measures how noisy the difference of two schedules is, and how many clips settle it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from experiments.metrics_study.losses import Array

POWER, SIGNIFICANCE = 0.9, 0.05  # of a two-sided paired t test over clips
DRAWS = (1, 2, 4)  # of every clip
MOST_CLIPS = 100_000
# What one would like to see settled, in the metric's own unit; a just noticeable one first.
DIFFERENCES: Mapping[str, tuple[float, ...]] = {
    "log_mel_l1": (0.02, 0.05),
    "ls_mae": (0.01, 0.03),
    "lsd": (0.1, 0.25),
    "mcd": (0.05, 0.15),
    "stft_convergence": (0.01, 0.03),
    "stft_log_magnitude": (0.01, 0.03),
    "mr_stft": (0.02, 0.05),
    "spectral": (0.02, 0.05),
    "pesq_wb": (0.05, 0.1),
    "stoi": (0.002, 0.005),
    "estoi": (0.005, 0.01),
    "f0_rmse": (5.0, 15.0),
    "voicing_error": (1.0, 3.0),
    "ffe": (1.0, 3.0),
    "level_error": (0.5, 1.0),
}
OF_SUMS = (0.05, 0.1)  # of metrics that are no more than a sum
STANDARD = 0.25  # standard units: a difference that means as much in every metric


@dataclass(frozen=True)
class Components:
    """Variances of a paired difference: d[clip, draw] = mean + clip's own + draw's own."""

    between: float  # clips
    within: float  # draws of one clip; NaN where there is one draw, and `between` holds both

    def deviation(self, draws: int) -> float:
        """Returns the standard deviation of the mean of one clip's draws."""
        return float(np.sqrt(self.between + (0.0 if draws == 1 and np.isnan(self.within) else self.within / draws)))


def components(differences: Array) -> Components:
    """Estimates components of [pair, clip, draw] without bias (one-way analysis of variance), pooled over pairs.

    A negative estimate of the part between clips becomes 0. Without a pair, both are NaN.
    """
    if not len(differences):
        return Components(float("nan"), float("nan"))
    draws = differences.shape[2]
    between = differences.mean(axis=2).var(axis=1, ddof=1).mean()
    if draws == 1:
        return Components(float(between), float("nan"))
    within = differences.var(axis=2, ddof=1).mean()
    return Components(max(0.0, float(between - within / draws)), float(within))


def differences(values: Array) -> Array:
    """Returns differences [pair, clip, draw] of all pairs of schedules, from losses [schedule, clip, draw]."""
    pairs = np.array(list(combinations(range(len(values)), 2)), dtype=int).reshape(-1, 2)  # of one schedule: none
    return np.asarray(values[pairs[:, 0]] - values[pairs[:, 1]])


def reliability(deviation: float, spread: float, clips: int) -> float:
    """Returns the part of the variance between schedules' means that is not noise; below 0 all of it is noise.

    `deviation` of the paired difference of two schedules on one clip, `spread` of their means as they stand.
    """
    return 1 - deviation**2 / 2 / clips / spread**2


def clips_needed(difference: float, deviation: float) -> float:
    """Returns the least clips with which a paired t test finds `difference` in POWER of all cases; inf past MOST_CLIPS.

    Power by the noncentral t distribution (Cohen 1988, section 2.5). NaN where the deviation is not known.
    """
    if np.isnan(deviation):
        return float("nan")
    if deviation == 0:
        return 2
    normal = (stats.norm.ppf(POWER) + stats.norm.ppf(1 - SIGNIFICANCE / 2)) * deviation / difference
    clips = max(2, int(normal**2))  # the t test needs a few more than the normal one
    while clips <= MOST_CLIPS and power(clips, difference / deviation) < POWER:
        clips += 1
    return clips if clips <= MOST_CLIPS else float("inf")


def power(clips: int, effect: float) -> float:
    """Returns the power of a two-sided paired t test; `effect` in standard deviations of the clips' differences."""
    threshold = stats.t.ppf(1 - SIGNIFICANCE / 2, clips - 1)
    shift = effect * np.sqrt(clips)
    return float(stats.nct.sf(threshold, clips - 1, shift) + stats.nct.cdf(-threshold, clips - 1, shift))


def whole(values: Array) -> Array:
    """Cuts [schedule, clip, draw] to the draws and clips that were scored, and to schedules without a failure.

    A stopped study may have scored the last draw of a single schedule. That leaves no pair, so the draw is left out.
    """
    scored = values[:, :, np.isfinite(values).any(axis=(0, 1))]
    draws = scored.shape[2]
    while draws > 1 and len(_without_failures(scored[:, :, :draws])) < 2:
        draws -= 1
    return _without_failures(scored[:, :, :draws])


def _without_failures(values: Array) -> Array:
    scored = values[:, np.isfinite(values).any(axis=(0, 2))]
    return np.asarray(scored[np.isfinite(scored).all(axis=(1, 2))])


def noise_table(losses: Mapping[str, Array], units: Mapping[str, float]) -> pd.DataFrame:
    """Returns a row a metric, from losses [schedule, clip, draw] of good schedules and their standard units."""
    rows = []
    for name, values in losses.items():
        sound = whole(values)
        parts = components(differences(sound))
        alone = components(sound).within  # of one schedule: what two would differ by on noise of their own
        rows.append(
            {
                "metric": name,
                "between_clips_sd": np.sqrt(parts.between),
                "between_draws_sd": np.sqrt(parts.within),
                "between_draws_sd_unshared_noise": np.sqrt(2 * alone),
                "sd_of_one_clip": parts.deviation(1),
                "sd_of_good_schedules": units[name],
                "noise_in_standard_units": parts.deviation(1) / units[name],
                "reliability": reliability(parts.deviation(1), units[name], sound.shape[1]),
                "schedules": len(sound),
                "clips": sound.shape[1],
                "draws": sound.shape[2],
            }
        )
    return pd.DataFrame(rows)


def clips_table(losses: Mapping[str, Array], units: Mapping[str, float]) -> pd.DataFrame:
    """Returns a row for each metric and difference: clips by draws a clip."""
    rows = []
    for name, values in losses.items():
        parts = components(differences(whole(values)))
        for difference in (*DIFFERENCES.get(name, OF_SUMS), STANDARD * units[name]):
            row: dict[str, object] = {
                "metric": name,
                "difference": difference,
                "in_standard_units": difference / units[name],
            }
            for draws in DRAWS:
                known = draws == 1 or not np.isnan(parts.within)
                row[f"clips_{draws}_draws"] = clips_needed(difference, parts.deviation(draws)) if known else np.nan
            rows.append(row)
    return pd.DataFrame(rows)
