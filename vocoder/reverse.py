"""Computes one reverse step as each implementation does it: coefficients, update, clipping.

There are two forms of the same posterior mean and variance (Ho et al. 2020, equations 6 and 7). ivanvovk forms x0
first and clamps it; lmnt and coqui go from y_n to y_{n-1} directly and clamp that. What is scored must be what users
will hear, so every rounding is the reference implementation's own. The tests compare it with the exact forms.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vocoder.errors import InputError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Coefficients:
    """Holds one number a step (0 cleanest), each [N] or stacked [C, N]; float64 or float32, as the implementation."""

    noise_level: Tensor  # what the network is told
    y_gain: Tensor
    eps_gain: Tensor
    sigma: Tensor  # sigma[0] is 0: nothing is added after the last step
    x0_gain: Tensor | None = None  # only where x0 is formed and clamped on the way
    x0_y_gain: Tensor | None = None

    def __len__(self) -> int:
        """Returns the number of steps."""
        return self.noise_level.shape[-1]

    def at(self, n: int, y: Tensor) -> "Coefficients":
        """Returns step n's coefficients, each [1, 1] or stacked [C, 1, 1], as y [C, K, samples] is: dtype and device.

        lmnt's own code rounds its float64 scalars to y's float32 as well.
        """
        return _each(lambda field: field[..., n, None, None].to(y), self)


def stacked(parts: Sequence[Coefficients]) -> Coefficients:
    """Stacks the coefficients of C schedules, each [N], to [C, N]; InputError unless they are equally long."""
    lengths = sorted({len(part) for part in parts})
    if len(lengths) != 1:
        raise InputError(
            f"schedules of one batch must be equally long, got lengths {lengths}; sample each length apart"
        )
    return _each(lambda *field: torch.stack(field), *parts)


def _each(function: Callable[..., Tensor], *parts: Coefficients) -> Coefficients:
    """Applies the function to each field that is not None."""
    names = [field.name for field in fields(Coefficients) if getattr(parts[0], field.name) is not None]
    return Coefficients(**{name: function(*(getattr(part, name) for part in parts)) for name in names})


@dataclass(frozen=True)
class ReverseProcess:
    """Says how an implementation turns betas into coefficients, and what it clamps to [-1, 1]."""

    name: str
    coefficients: Callable[[Array], Coefficients]
    clamp_x0: bool
    clamp_y: bool

    def step(self, y: Tensor, eps: Tensor, noise: Tensor | None, at: Coefficients) -> Tensor:
        """Maps y_n, eps [..., samples] to y_{n-1}; `at` holds one step's coefficients, broadcastable to y.

        noise [..., samples] is N(0, 1), or None after the last step.
        """
        if at.x0_gain is None or at.x0_y_gain is None:
            y = at.y_gain * (y - at.eps_gain * eps)
        else:
            x0 = at.y_gain * y - at.eps_gain * eps
            y = at.x0_gain * (x0.clamp(-1.0, 1.0) if self.clamp_x0 else x0) + at.x0_y_gain * y
        if noise is not None:
            y = y + at.sigma * noise
        return y.clamp(-1.0, 1.0) if self.clamp_y else y
