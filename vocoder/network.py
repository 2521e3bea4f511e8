"""One WaveGrad U-Net that executes the weights of every dialect (Chen et al. 2020, section 3 and figures 1-3).

Activations are [batch, channels, 1, samples] in channels-last memory: on a CPU a Conv2d with a (1, k) kernel in that
layout outruns Conv1d several times at the full-rate layers, and computes the same numbers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2  # of every leaky rectifier, in all three implementations

Resample = Callable[[Tensor, int], Tensor]  # [batch, channels, 1, T], factor -> [batch, channels, 1, T * or // factor]


class NoiseEncoding(Protocol):
    """noise_level [batch] -> [batch, channels, 1, length or 1]; `first` is the position of the first sample."""

    def __call__(self, noise_level: Tensor, channels: int, length: int, first: int = 0) -> Tensor: ...


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of a WaveGrad network, upsampling blocks from mel rate to sample rate, downsampling blocks back.

    `factors[0]` has no downsampling block: the signal path ends at the rate of the first upsampling block's output.
    """

    n_mels: int
    factors: tuple[int, ...]
    mel_channels: int
    up_channels: tuple[int, ...]
    up_dilations: tuple[tuple[int, int, int, int], ...]
    signal_channels: int
    down_channels: tuple[int, ...]
    down_dilations: tuple[tuple[int, ...], ...]

    @property
    def hop_length(self) -> int:
        """Samples a mel frame."""
        return math.prod(self.factors)


@dataclass(frozen=True)
class Quirks:
    """What parts the dialects' networks from one another, as functions."""

    upsample: Resample
    downsample: Resample
    encode_noise: NoiseEncoding


class UpBlock(nn.Module):
    """Upsampling block: four dilated convolutions modulated by FiLM, two residual sums (figure 2 of the paper)."""

    def __init__(self, inputs: int, outputs: int, factor: int, dilations: tuple[int, ...], upsample: Resample) -> None:
        super().__init__()
        self.factor, self.upsample = factor, upsample
        self.residual = convolution(inputs, outputs, 1)
        self.convolutions = _dilated(inputs, outputs, dilations)

    def forward(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """Maps x [B, inputs, 1, T], shift and scale [B, outputs, 1, T * factor] -> [B, outputs, 1, T * factor]."""
        first, second, third, fourth = self.convolutions
        main = first(self.upsample(F.leaky_relu(x, SLOPE), self.factor))
        # A 1 x 1 convolution commutes with interpolation (whose weights sum to 1) and is cheaper at the lower rate.
        x = self.upsample(self.residual(x), self.factor) + second(_modulate(main, shift, scale))
        return x + fourth(_modulate(third(_modulate(x, shift, scale)), shift, scale))  # type: ignore[no-any-return]


class DownBlock(nn.Module):
    """Downsampling block: three dilated convolutions beside a residual one (figure 2 of the paper)."""

    def __init__(
        self, inputs: int, outputs: int, factor: int, dilations: tuple[int, ...], downsample: Resample
    ) -> None:
        super().__init__()
        self.factor, self.downsample = factor, downsample
        self.residual = convolution(inputs, outputs, 1)
        self.convolutions = _dilated(inputs, outputs, dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Maps x [B, inputs, 1, T] to [B, outputs, 1, T // factor]."""
        x = self.downsample(x, self.factor)
        main = x
        for layer in self.convolutions:
            main = layer(F.leaky_relu(main, SLOPE))
        return main + self.residual(x)  # type: ignore[no-any-return]


class FeatureWiseLinearModulation(nn.Module):
    """FiLM: shift and scale for an upsampling block, from the noisy signal and its noise level (figure 3)."""

    def __init__(self, inputs: int, outputs: int, encode_noise: NoiseEncoding) -> None:
        super().__init__()
        self.inputs, self.encode_noise = inputs, encode_noise
        self.signal = convolution(inputs, inputs, 3)
        self.shift_and_scale = convolution(inputs, 2 * outputs, 3)

    def forward(self, x: Tensor, noise_level: Tensor, first: int = 0) -> tuple[Tensor, Tensor]:
        """Maps x [B, inputs, 1, T] from position `first` on to shift and scale, each [B, outputs, 1, T]."""
        x = F.leaky_relu(self.signal(x), SLOPE, inplace=True)
        x = x + self.encode_noise(noise_level, self.inputs, x.shape[-1], first).to(x.dtype)
        shift, scale = self.shift_and_scale(x).chunk(2, dim=1)
        return shift, scale


class WaveGradNetwork(nn.Module):
    """eps(y_n, mel, noise_level): the noise in y_n. Whole hops only."""

    def __init__(self, config: NetworkConfig, quirks: Quirks) -> None:
        super().__init__()
        self.config = config
        signal_widths = (config.signal_channels, *config.down_channels)
        up_inputs = (config.mel_channels, *config.up_channels[:-1])
        self.mel = convolution(config.n_mels, config.mel_channels, 3)
        self.signal = convolution(1, config.signal_channels, 5)
        self.down = nn.ModuleList(
            DownBlock(*sizes, quirks.downsample)
            for sizes in zip(
                signal_widths, config.down_channels, config.factors[:0:-1], config.down_dilations, strict=False
            )
        )
        self.film = nn.ModuleList(
            FeatureWiseLinearModulation(*sizes, quirks.encode_noise)
            for sizes in zip(signal_widths, config.up_channels[::-1], strict=True)
        )
        self.up = nn.ModuleList(
            UpBlock(*sizes, quirks.upsample)
            for sizes in zip(up_inputs, config.up_channels, config.factors, config.up_dilations, strict=True)
        )
        self.output = convolution(config.up_channels[-1], 1, 3)

    def forward(self, y: Tensor, mel: Tensor, noise_level: Tensor, first: int = 0) -> Tensor:
        """Maps y [B, samples], mel [B, n_mels, frames], noise_level [B] to eps [B, samples]; samples = frames * hop.

        `first`, whole hops, is where y begins in its recording: coqui's noise encoding counts positions.
        """
        x = self.signal(_channels_last(y[:, None]))
        modulation = [self.film[0](x, noise_level, first)]
        for down, film, factor in zip(self.down, list(self.film)[1:], self.config.factors[:0:-1], strict=True):
            x, first = down(x), first // factor
            modulation.append(film(x, noise_level, first))
        x = self.mel(_channels_last(mel))
        for up, (shift, scale) in zip(self.up, reversed(modulation), strict=True):
            x = up(x, shift, scale)
        return self.output(x)[:, 0, 0]  # type: ignore[no-any-return]


def convolution(inputs: int, outputs: int, width: int, *, dilation: int = 1) -> nn.Conv2d:
    """Makes a same-length 1-D convolution as a channels-last Conv2d; orthogonal weights and zero bias to begin with."""
    padding = (0, dilation * (width - 1) // 2)
    layer = nn.Conv2d(inputs, outputs, (1, width), padding=padding, dilation=(1, dilation))
    nn.init.orthogonal_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _dilated(inputs: int, outputs: int, dilations: tuple[int, ...]) -> nn.ModuleList:
    widths = [inputs] + [outputs] * (len(dilations) - 1)
    layers = zip(widths, dilations, strict=True)
    return nn.ModuleList(convolution(width, outputs, 3, dilation=dilation) for width, dilation in layers)


def upsample_linear(x: Tensor, factor: int) -> Tensor:
    """Interpolates linearly as torch does with align_corners=False (ivanvovk)."""
    return F.interpolate(x, size=(1, x.shape[-1] * factor), mode="bilinear", align_corners=False)


def downsample_linear(x: Tensor, factor: int) -> Tensor:
    """Interpolates towards lower rates as torch does: it averages the two middle samples of a step, no others."""
    middle = (factor - 1) // 2
    if factor % 2:
        return x[..., middle::factor]
    return 0.5 * (x[..., middle::factor] + x[..., middle + 1 :: factor])


def upsample_nearest(x: Tensor, factor: int) -> Tensor:
    """Repeats each sample (lmnt, coqui)."""
    return F.interpolate(x, size=(1, x.shape[-1] * factor), mode="nearest")


def downsample_nearest(x: Tensor, factor: int) -> Tensor:
    """Takes every factor-th sample (lmnt, coqui)."""
    return x[..., ::factor]


def _modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return F.leaky_relu(torch.addcmul(shift, x, scale), SLOPE, inplace=True)


def _channels_last(x: Tensor) -> Tensor:
    return x[:, :, None].contiguous(memory_format=torch.channels_last)
