"""Spectral distance in the checkpoint's own mel."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor


class LogMel(Protocol):
    """A mel front end that knows the units of its output."""

    @property
    def log_units(self) -> tuple[float, ...]:
        """[n_mels]: factors that turn differences of its mel into natural-log units of power."""

    def __call__(self, audio: Tensor) -> Tensor:
        """audio [clip, samples] -> mel [clip, n_mels, frames]."""


def log_mel_l1(front_end: LogMel) -> Callable[[Tensor, Tensor], Tensor]:
    """The distance (reference [..., samples], estimate [..., samples]) -> [...], one value a clip.

    The mean over mel channels and frames of |ln P_reference - ln P_estimate|, P the mel's power, so that 1 is
    4.34 dB: the mel-spectrogram loss of Kong et al. 2020 (HiFi-GAN, eq. 3) in fixed units. From 0 (equal)
    upwards, lower is better; a pure gain g costs 2 |ln g|. Where a front end limits its mel (lmnt, coqui),
    what lies outside its range costs nothing: the network cannot see it either. Leading dimensions broadcast:
    a reference [K, samples] serves estimates [C, K, samples]. NaN for a clip with NaN or infinite samples.
    Differentiable.
    """

    def distance(reference: Tensor, estimate: Tensor) -> Tensor:
        difference = _mel(front_end, reference) - _mel(front_end, estimate)
        units = torch.tensor(front_end.log_units, dtype=difference.dtype, device=difference.device)
        # A front end's limits would hide an infinite sample.
        finite = reference.isfinite().all(-1) & estimate.isfinite().all(-1)
        return (difference * units[:, None]).abs().mean((-2, -1)).where(finite, torch.nan)

    return distance


def _mel(front_end: LogMel, audio: Tensor) -> Tensor:
    """[..., samples] -> [..., n_mels, frames]."""
    mel = front_end(audio.reshape(-1, audio.shape[-1]))
    return mel.reshape(*audio.shape[:-1], *mel.shape[1:])
