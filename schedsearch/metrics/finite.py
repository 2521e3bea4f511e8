"""Clips with NaN or infinite samples have no distance, whatever the formula makes of them."""

import torch
from torch import Tensor


def finite_clips(value: Tensor, reference: Tensor, estimate: Tensor) -> Tensor:
    """`value` [...], NaN for the clips [..., samples] with NaN or infinite samples: limits and floors may hide them."""
    finite = reference.isfinite().all(-1) & estimate.isfinite().all(-1)
    return value.where(finite, torch.nan)
