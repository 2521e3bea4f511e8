"""Draws the noise levels of a training batch."""

from collections.abc import Callable

import torch
from torch import Tensor

LOG_SNR_RANGE = (-6.0, 14.5)  # just wider than the search's box: the first published level is 13.8

NoiseDraw = Callable[[int, torch.Generator], Tensor]  # batch size, generator -> noise_level [batch], on the CPU


def stratified_log_snr(batch: int, generator: torch.Generator) -> Tensor:
    """Draws uniformly in log-SNR, once in each stratum. The order stays: crops are random anyway.

    So the low-noise levels, which decide the residual static, are learnt far sooner than by WaveGrad's own draw.
    """
    low, high = LOG_SNR_RANGE
    position = (torch.arange(batch) + torch.rand(batch, generator=generator)) / batch
    return torch.sigmoid(low + (high - low) * position).sqrt()


def wavegrad_levels(batch: int, generator: torch.Generator) -> Tensor:
    """Draws uniformly between neighbours of linear(1e-6, 0.01, 1000) (Chen et al. 2020, section 2 and appendix B)."""
    betas = torch.linspace(1e-6, 1e-2, 1000, dtype=torch.float64)
    levels = torch.cat([torch.ones(1, dtype=torch.float64), (0.5 * torch.log1p(-betas).cumsum(0)).exp()])
    step = torch.randint(1, 1001, (batch,), generator=generator)
    between = torch.rand(batch, generator=generator, dtype=torch.float64)
    return (levels[step] + between * (levels[step - 1] - levels[step])).float()


DRAWS: dict[str, NoiseDraw] = {"stratified": stratified_log_snr, "wavegrad": wavegrad_levels}
