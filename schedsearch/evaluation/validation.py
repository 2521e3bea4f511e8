"""Measures how good a voice is: denoising error by noise level, and scores of its syntheses at a few lengths."""

from collections.abc import Sequence

import numpy as np

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics.registry import metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.formulas import log_snr_line
from vocoder.audio.reading import Clip
from vocoder.denoising import denoising_error
from vocoder.vocoder import Vocoder

COLUMNS = ("log_mel_l1", "pesq", "level")
# Straight lines in log-SNR that suit most networks: a fixed yardstick, not the best schedule of any network.
LINES = {6: (10.0, -4.0), 12: (11.0, -4.0), 50: (12.0, -5.0)}


def validate(vocoder: Vocoder, clips: Sequence[Clip]) -> dict[str, float]:
    """Returns a value for each column: `error <log-SNR>`, and the means `<metric> <steps>` on held-out clips."""
    values = {f"error {level:+.0f}": error for level, error in denoising_error(vocoder, clips).items()}
    values["error mean"] = float(np.mean(list(values.values())))
    metrics = metrics_for(vocoder.front_end, vocoder.sample_rate, names=COLUMNS)
    evaluator = Evaluator(vocoder, clips, list(metrics.values()), NoiseBank(seed=0))
    for steps, ends in LINES.items():
        evaluation = evaluator.evaluate([log_snr_line(steps, *ends)], draws=(0,))[0]
        values |= {f"{name} {steps}": score.mean for name, score in evaluation.scores.items()}
    return values
