"""Writes a checkpoint and its configuration as one public implementation has them."""

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vocoder.atomic import atomic_write
from vocoder.checkpoints.configuration import read_config
from vocoder.dialects.dialect import Dialect
from vocoder.errors import InputError
from vocoder.network import WaveGradNetwork
from vocoder.weights import check_finite, exported_state

CHECKPOINT, CONFIGURATION = "checkpoint.pt", "config.json"  # what `save_checkpoint` writes


def save_checkpoint(network: WaveGradNetwork, dialect: Dialect, config: Mapping[str, Any], folder: Path) -> Path:
    """Writes checkpoint.pt (float16) and config.json into `folder`; returns the checkpoint's path.

    ivanvovk's inference.py and coqui's read config.json beside the checkpoint. lmnt's reads neither: it takes sample
    rate and hop from its own params.py.
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
    carried = {dialect.config_key: dict(config)} if dialect.config_key else {}
    torch.save({"model": state, **carried}, buffer)
    if not _says(folder / CONFIGURATION, config):  # one that does keeps its comments
        atomic_write(folder / CONFIGURATION, json.dumps(config, indent=1).encode())
    atomic_write(folder / CHECKPOINT, buffer.getvalue())
    return folder / CHECKPOINT


def _says(path: Path, config: Mapping[str, Any]) -> bool:
    try:
        return path.is_file() and read_config(path) == config
    except InputError:  # it is broken, and to be replaced
        return False
