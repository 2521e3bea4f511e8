"""The exact float64 forms of the reverse step, which every dialect's own arithmetic is compared with."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from vocoder.reverse import Array, Coefficients, ReverseProcess


def direct_exact(betas: Array) -> Coefficients:
    """Computes y_{n-1} = c1 (y_n - c2 eps) + sigma z in float64, 1 - a by expm1 (Ho et al. 2020, algorithm 2)."""
    log_a = np.cumsum(np.log1p(-betas))
    one_minus_a = -np.expm1(log_a)
    previous = np.concatenate([[0.0], one_minus_a[:-1]])
    return Coefficients(
        noise_level=torch.from_numpy(np.exp(0.5 * log_a)),
        y_gain=torch.from_numpy(np.exp(-0.5 * np.log1p(-betas))),
        eps_gain=torch.from_numpy(betas / np.sqrt(one_minus_a)),
        sigma=torch.from_numpy(np.sqrt(previous / one_minus_a * betas)),
    )


def posterior_exact(betas: Array) -> Coefficients:
    """Computes x0 from eps, then the posterior mean of (x0, y_n), in float64 (Ho et al. 2020, equation 7)."""
    direct = direct_exact(betas)
    log_a = np.cumsum(np.log1p(-betas))
    one_minus_a = -np.expm1(log_a)
    before = np.concatenate([[0.0], log_a[:-1]])
    return Coefficients(
        noise_level=direct.noise_level,
        y_gain=torch.from_numpy(np.exp(-0.5 * log_a)),
        eps_gain=torch.from_numpy(np.sqrt(one_minus_a) * np.exp(-0.5 * log_a)),
        sigma=direct.sigma,
        x0_gain=torch.from_numpy(betas * np.exp(0.5 * before) / one_minus_a),
        x0_y_gain=torch.from_numpy(-np.expm1(before) * np.exp(0.5 * np.log1p(-betas)) / one_minus_a),
    )


EXACT_DIRECT = ReverseProcess("exact, direct", direct_exact, clamp_x0=False, clamp_y=False)
EXACT_POSTERIOR = ReverseProcess("exact, posterior", posterior_exact, clamp_x0=False, clamp_y=False)


def with_process(vocoder: Any, process: ReverseProcess) -> Any:
    """Returns the vocoder with another reverse process in its dialect."""
    return replace(vocoder, dialect=replace(vocoder.dialect, reverse=process))
