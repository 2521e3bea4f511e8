"""Runs the network on a recording of any length in bounded memory, exact to rounding.

The network is convolutional: an output sample depends on a few thousand samples around it and on no others. So each
window is run with that much context on both sides, and only its middle is kept. Cross-fading finished pieces would
not be exact: here every reverse step sees its whole neighbourhood.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, prod

import torch
from torch import Tensor

from vocoder.dialects.dialect import Dialect
from vocoder.network import NetworkConfig
from vocoder.vocoder import Vocoder

WINDOW = 96_000  # samples; a network takes about 1.4 kB for each


@dataclass(frozen=True)
class Windowed:
    """Runs a vocoder's network on windows of about `samples`."""

    vocoder: Vocoder
    samples: int = WINDOW

    @property
    def dialect(self) -> Dialect:
        return self.vocoder.dialect

    @property
    def hop_length(self) -> int:
        return self.vocoder.hop_length

    def at_step(self, n: int) -> "Windowed":
        """Returns the windowed vocoder for step n of a sampling, 0 the cleanest."""
        return replace(self, vocoder=self.vocoder.at_step(n))

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        """Predicts eps [B, samples] in float32 from y [B, samples], mel [B, n_mels, frames] and noise_level [B]."""
        at_once = max(1, self.samples // self.hop_length)
        if mel.shape[-1] <= at_once:
            return self.vocoder.predict_noise(y, mel, noise_level)
        return torch.cat(list(self._middles(y, mel, noise_level, at_once)), dim=-1)

    def _middles(self, y: Tensor, mel: Tensor, noise_level: Tensor, at_once: int) -> Iterator[Tensor]:
        hop, frames = self.hop_length, mel.shape[-1]
        context = ceil(reach(self.vocoder.network.config) / hop)
        for begin in range(0, frames, at_once):
            end = min(begin + at_once, frames)
            low, high = max(0, begin - context), min(frames, end + context)
            eps = self.vocoder.predict_noise(
                y[:, low * hop : high * hop], mel[..., low:high], noise_level, first=low * hop
            )
            # a copy: a view would keep the window's context alive
            yield eps[:, (begin - low) * hop : (end - low) * hop].clone()


def reach(config: NetworkConfig) -> int:
    """Returns a bound on how many samples to either side an output sample depends on; a little above the truth."""
    hop = config.hop_length
    up_strides = [hop // prod(config.factors[: i + 1]) for i in range(len(config.factors))]
    before = [hop, *up_strides[:-1]]  # interpolation reads one sample more at its input's rate
    rows = zip(config.up_dilations, up_strides, before, strict=True)
    up = sum(sum(dilations) * stride + wider for dilations, stride, wider in rows)
    down_strides = [prod(config.factors[:-i:-1]) for i in range(2, len(config.down_channels) + 2)]
    down = sum(
        (sum(dilations) + 1) * stride for dilations, stride in zip(config.down_dilations, down_strides, strict=False)
    )
    film = 2 * max([1, *down_strides])  # two convolutions of width 3, at the lowest rate at most
    return up + down + film + hop + 1 + 2  # the mel's, the last and the signal's convolution
