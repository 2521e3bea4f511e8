"""Loads checkpoints of three public implementations as frozen vocoders."""

from pathlib import Path
from typing import Literal

import torch

from vocoder.checkpoints.agreement import check_agreement
from vocoder.checkpoints.configuration import check_sizes, complete_config
from vocoder.checkpoints.file import read_checkpoint
from vocoder.dialects.detection import dialect_of
from vocoder.errors import InputError
from vocoder.vocoder import Vocoder
from vocoder.weights import check_finite, network_from, plain_weights, weights_hash

Precision = Literal["float32", "bfloat16"]


def load_vocoder(
    checkpoint: Path,
    config: Path | None = None,
    *,
    device: torch.device | str = "cpu",
    precision: Precision = "float32",
) -> Vocoder:
    """Returns the checkpoint's network, frozen, with its front end and the hash of its weights.

    Nothing in the file is run. `config` may be left out where the file carries its own or has it beside it.
    Raises InputError (one line) for whatever is no complete, finite WaveGrad with a matching configuration.
    """
    target = _device(device)
    autocast = _autocast(precision)
    file = read_checkpoint(checkpoint)
    dialect = dialect_of(file.state)
    state = plain_weights(file.state, dialect)
    settings = complete_config(dialect, state, checkpoint, file.config, config)
    sizes = dialect.network_config(settings)
    check_sizes(sizes)
    network = network_from(state, dialect, sizes).to(target)
    check_finite(network, dialect)
    front_end = dialect.front_end(settings)
    vocoder = Vocoder(network, dialect, front_end, weights_hash(network), autocast, wrapper=file.wrapper)
    check_agreement(settings, vocoder)
    return vocoder


def _device(device: torch.device | str) -> torch.device:
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:  # torch raises either for an absent device
        reason = str(error).split("\n")[0][:120]
        raise InputError(f"device {str(device)!r} cannot be used here ({reason}); use cpu") from error


def _autocast(precision: str) -> torch.dtype | None:
    if precision not in ("float32", "bfloat16"):
        raise InputError(f"precision must be float32 or bfloat16, and is {precision!r}; choose one")
    return torch.bfloat16 if precision == "bfloat16" else None
