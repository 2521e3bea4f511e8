"""Writes a checkpoint and its configuration as one public implementation has them."""

import io
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vocoder.atomic import atomic_write
from vocoder.dialects.dialect import Dialect
from vocoder.errors import InputError
from vocoder.network import WaveGradNetwork
from vocoder.weights import check_finite, exported_state

CHECKPOINT, CONFIGURATION = "checkpoint.pt", "config.json"  # what `save_checkpoint` writes
_Content = Callable[[dict[str, Tensor], Mapping[str, Any]], dict[str, Any]]
# What each implementation's file holds. ivanvovk's inference.py and coqui's read config.json beside it; lmnt's reads
# sample rate and hop from its own params.py, and its trainer leaves "params" in the file.
_CONTENT: dict[str, _Content] = {
    "ivanvovk": lambda state, config: {"model": state},
    "lmnt": lambda state, config: {"model": state, "params": dict(config)},
    "coqui": lambda state, config: {"model": state, "config": dict(config)},
}


def save_checkpoint(network: WaveGradNetwork, dialect: Dialect, config: Mapping[str, Any], folder: Path) -> Path:
    """Writes checkpoint.pt (float16) and config.json into `folder`; returns the checkpoint's path.

    Each implementation's `load_state_dict` casts the weights to float32. InputError for a configuration of another
    network, and for weights that are not finite or exceed float16.
    """
    if dialect.network_config(dict(config)) != network.config:
        raise InputError(
            "the configuration describes another network than the one to save; give the one it was built from"
        )
    check_finite(network, dialect)
    state = {name: tensor.half().cpu().clone() for name, tensor in exported_state(network, dialect).items()}
    largest = max(float(tensor.abs().max()) for tensor in state.values())
    if not math.isfinite(largest):
        raise InputError("a weight exceeds float16's 65504; the network has diverged, so train it again")
    buffer = io.BytesIO()
    torch.save(_CONTENT[dialect.name](state, config), buffer)
    atomic_write(folder / CONFIGURATION, json.dumps(config, indent=1).encode())
    atomic_write(folder / CHECKPOINT, buffer.getvalue())
    return folder / CHECKPOINT
