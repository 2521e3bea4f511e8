"""comparison.csv: one row a schedule and metric. docs/reports.md says what every column holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from schedsearch.comparison.contest import Contest
from schedsearch.comparison.standings import Standing
from schedsearch.evaluation.bootstrap import paired_bootstrap
from schedsearch.evaluation.paired import Comparison, sound
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import defused
from schedsearch.metrics.registry import Metric
from schedsearch.sampling.speed import evaluations_per_audio_second
from vocoder.atomic import atomic_write


def table(contest: Contest, ranked: Mapping[int, Sequence[Standing]]) -> pd.DataFrame:
    """Returns the rows of comparison.csv."""
    rows = [
        _row(contest, standing, comparison, metric)
        for of_length in ranked.values()
        for standing in of_length
        for comparison, metric in zip(standing.comparisons, contest.scoring.metrics, strict=True)
    ]
    return pd.DataFrame(rows)


def write_table(rows: pd.DataFrame, path: Path) -> None:
    """Writes a CSV file, whole or not at all."""
    atomic_write(path, rows.to_csv(index=False, float_format="%.8g").encode())


def _row(contest: Contest, standing: Standing, comparison: Comparison, metric: Metric) -> dict[str, Any]:
    entrant = standing.entrant
    return {
        "dataset": defused(contest.voice.dataset) + (" (mels of a TTS)" if contest.voice.mels else ""),
        "rate": contest.voice.sample_rate,
        "checkpoint": contest.scoring.vocoder.weights_hash[:12],
        "precision": contest.scoring.vocoder.precision,
        "iterations": len(entrant.schedule),
        "schedule": defused(entrant.name),
        "kind": entrant.kind,
        "source": defused(entrant.source),
        "metric": metric.name,
        "unit": metric.unit,
        "direction": metric.direction if metric.ranks else "neither",
        **measured(comparison.winner),
        "objective": contest.scoring.metrics[0].name,
        "rival": defused(standing.rival.name),
        **difference(comparison),
        "verdict": comparison.outcome.value,
        **_speed(contest, len(entrant.schedule)),
        "terminal_log_snr": float(entrant.schedule.log_snr[-1]),
        "sigma_1": entrant.schedule.residual_noise,
        "digest": entrant.schedule.digest,
        "failure_reason": defused("".join(comparison.winner.failures[:1])),
    }


def measured(score: Score) -> dict[str, Any]:
    """Returns the columns of a score by itself: mean to failure_rate."""
    whole = sound(score)
    clips, draws = whole.values.shape
    # The interval of the mean is that of the difference to zeros.
    mean = paired_bootstrap(whole.values, np.zeros_like(whole.values), seed=0) if clips > 1 else None
    return {
        "mean": whole.mean if clips else np.nan,
        "standard_error": whole.standard_error if clips > 1 else np.nan,
        "low": mean.low if mean else np.nan,
        "high": mean.high if mean else np.nan,
        "clips": clips,
        "draws": draws,
        "failures": len(score.failures),
        "failure_rate": len(score.failures) / score.values.size,
    }


def difference(comparison: Comparison) -> dict[str, Any]:
    """Returns the columns of a paired comparison: difference to pairs."""
    interval = comparison.difference
    return {
        "difference": interval.mean if interval else np.nan,
        "difference_low": interval.low if interval else np.nan,
        "difference_high": interval.high if interval else np.nan,
        "pairs": len(comparison.differences),
    }


def _speed(contest: Contest, iterations: int) -> dict[str, Any]:
    speed = contest.timing.speed(iterations)
    low, high = speed.quartiles
    return {
        "real_time_factor": speed.real_time_factor,
        "real_time_factor_low": low,
        "real_time_factor_high": high,
        "timing_rounds": speed.rounds,
        "machine": contest.timing.machine,
        "network_evaluations_per_audio_second": evaluations_per_audio_second(iterations, contest.scoring.clips),
        "network_evaluations_per_second": speed.evaluations_per_second,
    }
