"""Tries users' own metrics before hours of work begin."""

from collections.abc import Iterable, Sequence

import torch

from schedsearch.metrics.failure import Failure
from schedsearch.metrics.registry import Metric
from vocoder.audio.reading import Clip
from vocoder.errors import InputError

NOISE = 0.01  # deviation of what is added to a recording: a distance of two equal clips may be infinite


def try_own_metrics(metrics: Iterable[Metric], clips: Sequence[Clip]) -> None:
    """Scores recordings with a little noise added. Raises InputError for a metric that has a value on no clip."""
    noise = torch.Generator().manual_seed(0)
    for metric in metrics:
        reasons = []
        for clip in clips if metric.function else ():
            estimate = clip.audio + NOISE * torch.randn(len(clip.audio), generator=noise)
            [[value]] = metric.measure(clip.audio[None], estimate[None, None])
            if not isinstance(value, Failure):
                break
            reasons.append(f"clip {clip.name}: {value.reason}")
        else:
            if reasons:
                raise InputError(
                    f"metric {metric.function} must have a value on some clip, and fails on all "
                    f"{len(reasons)}: {reasons[0]}; mend its function"
                )
