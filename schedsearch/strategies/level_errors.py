"""Measures how far the frozen network is from the truth, and from itself, on a grid of noise levels: once for every N.

Level 0 is the cleanest, as everywhere: a step goes from a noisier level t to a cleaner level s < t.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.sampler import NoisePredictor
from schedsearch.schedules.formulas import TERMINAL_LOG_SNR
from schedsearch.schedules.schedule import Array
from schedsearch.schedules.search_space import FIRST_LOG_SNR
from schedsearch.strategies.speech import Speech
from vocoder.batches import SAMPLES_AT_ONCE, batches

LEVELS: Array = np.linspace(FIRST_LOG_SNR[1], TERMINAL_LOG_SNR[0], 64)  # the whole range of the box
DRAW = -1  # of the noise bank: searches use draws from 0 on, so scores never use the noise of this measurement

NoisePath = Callable[[Tensor, Sequence[Tensor]], Tensor]  # sigma [L], L draws [samples] -> eps [L, samples], N(0, 1)


@dataclass(frozen=True)
class LevelErrors:
    """Mean square errors of the network's estimate x0_hat of x0, over samples and clips."""

    log_snr: Array  # [L], falling
    error: Array  # [L], (x0_hat - x0)^2
    distance: Array  # [L, L], (x0_hat at one level - x0_hat at another)^2, on the same clip and noise path
    network_evaluations: int

    def refined(self, log_snr: Array) -> "LevelErrors":
        """Interpolates the curves at other levels, without network evaluations."""
        weights = np.stack([np.interp(-log_snr, -self.log_snr, row) for row in np.eye(len(self.log_snr))], axis=1)
        # Errors fall by decades, so their logarithm is interpolated. Distances rise linearly from zero on both sides of
        # the diagonal. A sign on one side removes this kink, and bilinear interpolation keeps the straight line.
        error = np.exp(weights @ np.log(np.maximum(self.error, np.finfo(np.float64).tiny)))
        signed = weights @ (np.tril(self.distance) - np.triu(self.distance)) @ weights.T
        return LevelErrors(log_snr, error, np.abs(signed), self.network_evaluations)

    @property
    def finite(self) -> bool:
        """False if the network returned NaN."""
        return bool(np.isfinite(self.error).all() and np.isfinite(self.distance).all())

    def plain(self) -> dict[str, Any]:
        """Returns JSON values for a caller's store; `from_plain` reads them."""
        arrays = {name: getattr(self, name).tolist() for name in ("log_snr", "error", "distance")}
        return {**arrays, "network_evaluations": self.network_evaluations}

    @classmethod
    def from_plain(cls, stored: Mapping[str, Any]) -> "LevelErrors":
        """Reads what `plain` returned."""
        arrays = {name: np.array(stored[name], dtype=np.float64) for name in ("log_snr", "error", "distance")}
        return cls(**arrays, network_evaluations=int(stored["network_evaluations"]))


def brownian_path(sigma: Tensor, draws: Sequence[Tensor]) -> Tensor:
    """Draws the forward process itself: y at a noisier level is y at the cleaner one plus fresh noise.

    The bound of Sabour et al. 2024 is an expectation over it. A perfect network's estimates are a martingale along it:
    their squared distance is the difference of their errors.
    """
    variance = torch.diff(sigma.square(), prepend=torch.zeros_like(sigma[:1]))
    return (variance.sqrt()[:, None] * torch.stack(list(draws))).cumsum(0) / sigma[:, None]


def common_path(sigma: Tensor, draws: Sequence[Tensor]) -> Tensor:
    """Uses the same eps at all levels: a straight line in (x0, sigma), which deterministic samplers nearly follow."""
    return draws[0].expand(len(sigma), -1)


def measure(
    vocoder: NoisePredictor,
    speech: Sequence[Speech],
    noise: NoiseBank,
    *,
    log_snr: Array = LEVELS,
    path: NoisePath = brownian_path,
) -> LevelErrors:
    """Measures with one network evaluation for each clip and level, on y = sqrt(a) x0 + sqrt(1 - a) eps.

    x0_hat is clamped to [-1, 1] if the dialect's sampler does so. Memory: SAMPLES_AT_ONCE through the network, and some
    40 bytes for each level and sample of one clip.
    """
    with torch.inference_mode():
        grams = [
            _gram(_residuals(vocoder, name, reference, mel, noise, log_snr, path))
            for name, reference, mel in _clips(speech)
        ]
    gram = np.mean(grams, axis=0)
    error = np.diag(gram)
    distance = np.maximum(error[:, None] + error[None, :] - 2 * gram, 0.0)
    return LevelErrors(log_snr, error.copy(), distance, len(log_snr) * len(grams))


def _clips(speech: Sequence[Speech]) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yields name, reference [samples] and mel [n_mels, frames] of each clip."""
    for group in speech:
        yield from zip(group.names, group.reference, group.mel, strict=True)


def _residuals(
    vocoder: NoisePredictor,
    name: str,
    reference: Tensor,
    mel: Tensor,
    noise: NoiseBank,
    log_snr: Array,
    path: NoisePath,
) -> Tensor:
    """Returns x0_hat - x0 of one clip at each level, [L, samples] in float64."""
    level = torch.from_numpy(log_snr.copy()).to(reference.device)
    draws = [noise.draw(name, DRAW, k, len(reference)).to(level) for k in range(len(level))]
    eps = path((-level / 2).exp(), draws)
    rows = batches(len(level), len(reference), SAMPLES_AT_ONCE)
    return torch.cat([_residual(vocoder, reference, mel, level[batch], eps[batch]) for batch in rows])


def _residual(vocoder: NoisePredictor, reference: Tensor, mel: Tensor, log_snr: Tensor, eps: Tensor) -> Tensor:
    """log_snr [B], eps [B, samples] -> [B, samples]: one network call."""
    signal, residue = torch.sigmoid(log_snr).sqrt()[:, None], torch.sigmoid(-log_snr).sqrt()[:, None]
    y = (signal * reference + residue * eps).to(reference)
    eps_hat = vocoder.predict_noise(y, mel.expand(len(y), -1, -1), signal[:, 0].to(reference))
    residual = residue / signal * (eps - eps_hat)  # computed without y, where x0 would cancel only to its rounding
    if vocoder.dialect.reverse.clamp_x0:
        return (reference + residual).clamp(-1.0, 1.0) - reference
    return residual


def _gram(residuals: Tensor) -> Array:
    """[L, samples] -> mean products a sample, [L, L]."""
    return np.asarray((residuals @ residuals.T / residuals.shape[1]).cpu().numpy(), dtype=np.float64)
