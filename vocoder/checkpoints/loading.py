"""Loads checkpoints of three public implementations as frozen vocoders."""

from pathlib import Path

import torch

from vocoder.checkpoints.agreement import check_agreement
from vocoder.checkpoints.configuration import check_sizes, complete_config
from vocoder.checkpoints.file import CheckpointFile, read_checkpoint
from vocoder.vocoder import Vocoder
from vocoder.weights import check_finite, network_from, plain_weights, weights_hash

CPU = torch.device("cpu")


def load_vocoder(checkpoint: Path, config: Path | None = None, *, device: torch.device = CPU) -> Vocoder:
    """Returns the checkpoint's network, frozen and in float32, with its front end and the hash of its weights.

    Nothing in the file is run. `config` may be left out where the file carries its own or has it beside it.
    Raises InputError (one line) for whatever is no complete, finite WaveGrad with a matching configuration.
    """
    return vocoder_of(read_checkpoint(checkpoint), checkpoint, config, device=device)


def vocoder_of(
    file: CheckpointFile, checkpoint: Path, config: Path | None = None, *, device: torch.device = CPU
) -> Vocoder:
    """Returns what `load_vocoder` does, from a checkpoint that was read."""
    dialect = file.dialect
    state = plain_weights(file.state, dialect)
    settings = complete_config(dialect, state, checkpoint, file.config, config)
    sizes = dialect.network_config(settings)
    check_sizes(sizes, dialect.size_advice, f"{checkpoint.name} ({dialect.name}): ")
    network = network_from(state, dialect, sizes).to(device)
    check_finite(network, dialect)
    vocoder = Vocoder(network, dialect, dialect.front_end(settings), weights_hash(network), wrapper=file.wrapper)
    check_agreement(settings, vocoder)
    return vocoder
