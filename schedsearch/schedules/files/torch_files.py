"""Torch files: ivanvovk's tensors and lists, BDDM's tuples, NumPy arrays, dicts of any of these."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch

from schedsearch.schedules.files.numbers import Read, archive_of, betas_of, describe, in_line, numbers
from schedsearch.schedules.files.writing import Layout
from schedsearch.schedules.schedule import Array
from vocoder.errors import InputError, reason_of
from vocoder.safe_loading.safe_pickle import SIZE_LIMIT, read_filled
from vocoder.safe_loading.torch_file import load_torch


def read_torch(path: str | Path) -> Read:
    """Reads torch files; only tensors, NumPy arrays and plain containers are loaded."""
    data = read_filled(path)
    devices: set[str] = set()
    advice = "give betas alone, as torch.save writes them"
    try:
        if data.startswith(b"PK"):
            archive_of(data)  # torch.save compresses none, but torch.load inflates one megabyte to a thousand
        content = load_torch(io.BytesIO(data), len(data), advice=advice, devices=devices)
        betas, kind, read_by = _of_torch(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:  # truncated archives and odd tensors make zipfile and torch raise nearly anything
        raise InputError(f"{path}: not a readable torch file of plain numbers: {reason_of(error)}") from error
    # ivanvovk's code joins the betas with a tensor on the CPU, and on a machine without a GPU torch.load refuses them.
    if elsewhere := sorted(devices - {"cpu"}):
        return betas, f"{kind} on {', '.join(elsewhere)}", ()
    return betas, kind, read_by


def _of_torch(content: object) -> Read:
    if isinstance(content, dict):
        key, inner = betas_of(content)
        betas, held, _ = _of_torch(inner)
        return betas, f"a dict whose {key!r} is {held}", ()
    if (
        isinstance(content, tuple)
        and len(content) == 4
        and all(isinstance(part, torch.Tensor) for part in content)
        and content[2].ndim == 1
        and content[2].numel() > 1  # else four betas of one number each
    ):
        return _betas_of_bddm(*content), "BDDM's tuple of steps, noise levels, betas and sigmas", ()
    if isinstance(content, (list, tuple)):
        return numbers(content), f"a {type(content).__name__} of {_kind_of_items(content)}", ()
    if isinstance(content, (torch.Tensor, np.ndarray)) and in_line(content):
        betas, kind, _ = _of_torch(content.reshape(-1))
        return betas, f"{kind} in {'one row' if len(content) == 1 else 'one column'}", ()
    if isinstance(content, torch.Tensor) and content.ndim == 1:
        betas = _vector_of_tensor(content)
        # ivanvovk's code takes .shape, mixes with float32 tensors and calls .numpy(), which refuses a tensor that
        # requires gradients, such as a Parameter. Half precision has no 1 - 1e-6.
        plain = content.dtype in (torch.float32, torch.float64) and not content.requires_grad
        name = str(content.dtype).removeprefix("torch.")
        kind = f"a 1-D {name} tensor" + (" that requires gradients" if content.requires_grad else "")
        return betas, kind, (Layout.IVANVOVK,) if plain else ()
    if isinstance(content, np.ndarray) and content.ndim == 1 and content.dtype.kind == "f":
        return content.astype(np.float64), f"a 1-D {content.dtype} array", ()  # torch.load as it stands refuses it
    raise InputError(f"expected a 1-D tensor, an array or a list of numbers, got {describe(content)}")


def _betas_of_bddm(steps: torch.Tensor, noise_level: torch.Tensor, beta: torch.Tensor, sigma: torch.Tensor) -> Array:
    """Returns the betas of BDDM's `.ns` (Lam et al. 2022): (steps, sqrt_alphas_cumprod, beta, sigma).

    InputError for its DDIM files: they pick betas out of a longer schedule, so the betas do not give the levels."""
    betas = _vector_of_tensor(beta)
    levels = _vector_of_tensor(noise_level)
    if levels.shape != betas.shape or not np.allclose(np.sqrt(np.cumprod(1 - betas)), levels, atol=1e-4):
        raise InputError("the betas of this BDDM file do not give its noise levels")
    return betas


def _vector_of_tensor(tensor: torch.Tensor) -> Array:
    if tensor.numel() * 4 > SIZE_LIMIT:  # a small file can hold an expanded view of one number
        raise InputError(f"a schedule of {tensor.numel()} steps is too long")
    if not tensor.is_floating_point():
        raise InputError(f"betas must be floating point, got {tensor.dtype}")
    return tensor.detach().to(torch.float64).numpy()


def _kind_of_items(items: list[Any] | tuple[Any, ...]) -> str:
    return "tensors" if any(isinstance(item, torch.Tensor) for item in items) else "numbers"
