"""Coefficients of the reverse process formed in torch, so that gradients reach the log-SNR levels they come from."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad

from vocoder.reverse import Coefficients, ReverseProcess


def torch_coefficients(process: ReverseProcess, log_snr: Tensor) -> Coefficients:
    """Forms coefficients [C, N] from `log_snr` [C, N], falling in n, in its dtype (float64 unless memory forbids).

    In the form that the process steps in: by way of x0 where it clamps x0, else direct. The arithmetic is exact, not
    the dialect's own rounding: that differs by 1.3 % at most where beta_0 = 1e-6 (ivanvovk), and has no gradient.
    """
    return posterior_coefficients(log_snr) if process.clamp_x0 else direct_coefficients(log_snr)


def direct_coefficients(log_snr: Tensor) -> Coefficients:
    """Forms what `direct_exact` of the tests makes of these levels (Ho et al. 2020, algorithm 2)."""
    log_a, log_b, log_alpha, beta = _logarithms(log_snr)
    return Coefficients(
        noise_level=(log_a / 2).exp(),
        y_gain=(-log_alpha / 2).exp(),
        eps_gain=beta * (-log_b / 2).exp(),
        sigma=_sigma(log_b, beta),
    )


def posterior_coefficients(log_snr: Tensor) -> Coefficients:
    """Forms what `posterior_exact` of the tests makes of these levels (Ho et al. 2020, equation 7)."""
    log_a, log_b, log_alpha, beta = _logarithms(log_snr)
    remains = (log_b[..., :-1] - log_b[..., 1:] + log_alpha[..., 1:] / 2).exp()
    return Coefficients(
        noise_level=(log_a / 2).exp(),
        y_gain=(-log_a / 2).exp(),
        eps_gain=(-log_snr / 2).exp(),
        sigma=_sigma(log_b, beta),
        x0_gain=beta * ((log_a - log_alpha) / 2 - log_b).exp(),
        x0_y_gain=pad(remains, (1, 0)),  # the last step returns x0 itself
    )


def _logarithms(log_snr: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns log a_n, log(1 - a_n), log(1 - beta_n) and beta_n, [C, N] each."""
    log_a = logsigmoid(log_snr)
    log_alpha = torch.diff(log_a, prepend=torch.zeros_like(log_a[..., :1]))
    return log_a, logsigmoid(-log_snr), log_alpha, -torch.expm1(log_alpha)


def _sigma(log_b: Tensor, beta: Tensor) -> Tensor:
    """Sets zero at n = 0: the root's own slope at zero is infinite, and would turn gradients into NaN."""
    return pad(((log_b[..., :-1] - log_b[..., 1:] + beta[..., 1:].log()) / 2).exp(), (1, 0))
