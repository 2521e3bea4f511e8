"""Keeps clips with NaN or infinite samples from having a distance."""

import torch
from torch import Tensor


def finite_clips(value: Tensor, reference: Tensor, estimate: Tensor) -> Tensor:
    """Returns `value` [...], with NaN for clips [..., samples] that are not finite: floors may hide them."""
    finite = reference.isfinite().all(-1) & estimate.isfinite().all(-1)
    return value.where(finite, torch.nan)
