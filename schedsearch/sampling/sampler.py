"""Ancestral sampling of many schedules x clips in one batch.

Ho et al. 2020, algorithm 2 (denoising diffusion), and Chen et al. 2020, algorithm 2 (WaveGrad, which tells
the network the noise level instead of the step).
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.dialects.dialect import Dialect
from vocoder.errors import InputError
from vocoder.reverse import Coefficients, ReverseProcess, stacked

# k -> N(0, 1) noise [K, samples]: 0 is where sampling starts, k is added after the k-th reverse step.
Noise = Callable[[int], Tensor]


class NoisePredictor(Protocol):
    """What sampling needs of a vocoder: `vocoder.vocoder.Vocoder`, or the analytic one of the tests."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def hop_length(self) -> int: ...

    def at_step(self, n: int) -> "NoisePredictor":
        """Returns the predictor for step n, 0 the cleanest: steps may differ in precision."""

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        """Predicts eps [B, samples] from y [B, samples], mel [B, n_mels, frames] and noise_level [B]."""


def ancestral_sample(
    vocoder: NoisePredictor,
    mels: Tensor,
    schedules: Sequence[NoiseSchedule],
    noise: Noise | Tensor,
) -> Tensor:
    """Samples audio [C, K, samples]: C schedules of N steps for each of K clips, mels [K, n_mels, frames].

    `noise` is k -> [K, samples], or [N, K, samples]: every schedule gets the same. Coefficients and clipping are the
    dialect's own. The audio is computed in the noise's dtype on the mels' device. InputError for schedules of unequal
    lengths and for noise of another shape. NaN in the network's output stays NaN, in that clip.
    """
    process = vocoder.dialect.reverse
    with torch.inference_mode():
        coefficients = coefficients_of(process, schedules)
        steps = len(coefficients)
        draw = checked_noise(noise, steps, mels, vocoder.hop_length)
        rows = mels.repeat(len(schedules), 1, 1)
        y = draw(0).expand(len(schedules), -1, -1)
        for n in reversed(range(steps)):
            at = coefficients.at(n, y)
            level = at.noise_level.expand(*y.shape[:2], 1).flatten()
            eps = vocoder.at_step(n).predict_noise(y.flatten(0, 1), rows, level)
            y = process.step(y, eps.reshape(y.shape), draw(steps - n) if n else None, at)
        return y


def coefficients_of(process: ReverseProcess, schedules: Sequence[NoiseSchedule]) -> Coefficients:
    """Returns the coefficients of the schedules, [C, N] each, as the process forms them."""
    return stacked([process.coefficients(schedule.betas) for schedule in schedules])


def checked_noise(noise: Noise | Tensor, steps: int, mels: Tensor, hop_length: int) -> Noise:
    """Returns the noise by position on the mels' device. Raises InputError at a draw of another shape."""
    clips, _, frames = mels.shape
    expected = (clips, frames * hop_length)
    if isinstance(noise, Tensor) and len(noise) != steps:
        raise InputError(
            f"noise must be [N, K, samples] with N = {steps} steps, got {list(noise.shape)}; draw one a step"
        )
    position = noise.__getitem__ if isinstance(noise, Tensor) else noise

    def draw(k: int) -> Tensor:
        drawn = position(k)
        if drawn.shape != expected:
            raise InputError(
                f"noise must be [clips, frames * hop_length] = {list(expected)}, got {list(drawn.shape)}; "
                "cut clips to whole hops and draw as many samples"
            )
        return drawn.to(mels.device)

    return draw
