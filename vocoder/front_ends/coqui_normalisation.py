"""Brings decibels to the range that coqui's network sees (AudioProcessor.normalize)."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from vocoder.errors import InputError


@dataclass(frozen=True)
class RangeNormalisation:
    """Maps ref_level_db + [min_level_db, 0] onto [-max_norm, max_norm] if symmetric, else [0, max_norm]."""

    min_level_db: float = -100.0
    ref_level_db: float = 20.0
    max_norm: float = 4.0
    symmetric: bool = True
    clip: bool = True

    def __post_init__(self) -> None:
        if self.min_level_db == 0:
            raise InputError("min_level_db must not be 0: it divides the mel; use coqui's -100")
        if self.max_norm == 0:
            raise InputError("max_norm must not be 0: every mel would be the same; use coqui's 4")

    def __call__(self, decibels: Tensor) -> Tensor:
        unit = (decibels - self.ref_level_db - self.min_level_db) / -self.min_level_db
        scaled = (self.max_norm - self._low) * unit + self._low
        return scaled.clamp(self._low, self.max_norm) if self.clip else scaled

    def slopes(self, n_mels: int) -> tuple[float, ...]:
        """Returns the mel's units in one decibel, for each channel."""
        return ((self.max_norm - self._low) / abs(self.min_level_db),) * n_mels

    @property
    def _low(self) -> float:
        return -self.max_norm if self.symmetric else 0.0


@dataclass(frozen=True)
class StandardNormalisation:
    """Computes (mel - mean) / std for each mel channel, with the statistics of the training set."""

    mean: tuple[float, ...]  # [n_mels]
    std: tuple[float, ...]  # [n_mels]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std):
            raise InputError(
                f"mel_mean and mel_std must be equally long, got {len(self.mean)} and {len(self.std)}; "
                "compute the statistics again"
            )
        if not all(map(math.isfinite, self.mean)) or not all(0 < s < math.inf for s in self.std):
            raise InputError("mel_mean must be finite and mel_std above 0; compute the statistics again")

    def slopes(self, n_mels: int) -> tuple[float, ...]:
        """Returns the mel's units in one decibel, for each channel."""
        return tuple(1 / deviation for deviation in self.std)

    def __call__(self, decibels: Tensor) -> Tensor:
        return (decibels - _column(self.mean, decibels.device)) / _column(self.std, decibels.device)


@lru_cache(maxsize=8)
def _column(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Returns [n_mels, 1] in float64, made outside inference mode so that it may take part in a backward pass."""
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=torch.float64, device=device)[:, None]
