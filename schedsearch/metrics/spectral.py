"""Computes spectral distances in mels: in the checkpoint's own, and in one that all voices share."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from schedsearch.metrics.finite import finite_clips
from schedsearch.metrics.fixed_mel import log_mel
from schedsearch.metrics.offset import without_offset
from schedsearch.metrics.stft import spectral_convergence


class LogMel(Protocol):
    """A mel front end with the units of its output."""

    @property
    def log_units(self) -> tuple[float, ...]:
        """[n_mels]: factors that turn differences of its mel into natural-log units of power."""

    def __call__(self, audio: Tensor) -> Tensor:
        """Returns, for audio [clip, samples], its mel [clip, n_mels, frames]."""


def log_mel_l1(front_end: LogMel) -> Callable[[Tensor, Tensor], Tensor]:
    """Returns the distance (reference [..., samples], estimate [..., samples]) -> [...], one value per clip.

    It is the mean over mel channels and frames of |ln P_reference - ln P_estimate|, P the mel's power, so 1 is 4.34 dB:
    the mel-spectrogram loss of Kong et al. 2020 (HiFi-GAN, eq. 3) in fixed units. From 0 (equal) upwards, lower is
    better. A pure gain g costs 2 |ln g|; a delay of 1 ms 0.08 on the demo voice, where white noise of -60 dB costs 0.7.
    Where a front end limits its mel (lmnt, coqui), differences outside the range cost nothing, for the network cannot
    see them either. Leading dimensions broadcast: a reference [K, samples] serves estimates [C, K, samples]. NaN for a
    clip with NaN or infinite samples. Differentiable.
    """

    def distance(reference: Tensor, estimate: Tensor) -> Tensor:
        difference = _mel(front_end, reference) - _mel(front_end, estimate)
        units = torch.tensor(front_end.log_units, dtype=difference.dtype, device=difference.device)
        return finite_clips((difference * units[:, None]).abs().mean((-2, -1)), reference, estimate)

    return distance


def log_mel_and_convergence(front_end: LogMel) -> Callable[[Tensor, Tensor], Tensor]:
    """Returns log_mel_l1 + spectral convergence, (reference [..., samples], estimate [..., samples]) -> [...].

    As Yamamoto et al. 2020, eq. 6, but with the log magnitude in the mel that the network is conditioned on. The first
    term alone prefers audio that is too quiet, since silence counts as much as speech. The second hears the loud parts.
    No unit; from 0 (equal) upwards, lower is better. A pure gain g costs 2 |ln g| + |1 - g|; a delay of 1 ms 0.12 on
    the demo voice, where white noise of -60 dB costs 0.7. NaN where either is. Differentiable.
    """
    log_mel = log_mel_l1(front_end)
    return lambda reference, estimate: log_mel(reference, estimate) + spectral_convergence(reference, estimate)


def ls_mae(reference: Tensor, estimate: Tensor, sample_rate: int) -> Tensor:
    """Returns the log-mel spectrogram's mean absolute error, [..., samples] each -> [...].

    The mean of |ln A_ref - ln A_est| over 128 mel channels and frames of 50 ms every 6.25 ms, A the mel's amplitude
    (see `fixed_mel.log_mel`).

    In nepers (1 is 8.7 dB); from 0 (equal) upwards, lower is better. A pure gain g costs |ln g| where nothing meets
    the floor; a delay of 1 ms 0.05 on the demo voice, where white noise of -60 dB costs 0.32. NaN for a clip with NaN
    or infinite samples.

    After Chen et al. 2020 (WaveGrad), not checked against their code. The paper gives the metric, and the features of
    the network: 128 mels of 20 Hz to 12 kHz in 50 ms windows every 12.5 ms at 24 kHz. We assume that the metric uses
    the mel of these features, and choose amplitude, the natural logarithm, HTK's mel scale, triangles of unit height,
    the floor, and a frame every 6.25 ms, at every sample rate. The shift hardly matters (12.5 ms moves the mean over 20
    clips by 0.1 % at most, one clip by 0.0075). The rest does, so don't compare with the paper's tables.
    """
    difference = log_mel(reference, sample_rate) - log_mel(estimate, sample_rate)
    return finite_clips(difference.abs().mean((-2, -1)), reference, estimate)


def _mel(front_end: LogMel, audio: Tensor) -> Tensor:
    """Returns the mel, [..., samples] -> [..., n_mels, frames]."""
    mel = front_end(without_offset(audio.reshape(-1, audio.shape[-1])))
    return mel.reshape(*audio.shape[:-1], *mel.shape[1:])
