"""The demo voice as the parts of a session train it."""

import json
from pathlib import Path
from typing import Any

from experiments.datasets import write_dataset
from schedsearch.voice.config import Voice, load_voice
from vocoder.atomic import atomic_write
from vocoder.checkpoints.configuration import read_config
from vocoder.checkpoints.saving import save_checkpoint
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.network import WaveGradNetwork

NEXT = "next.pt"  # beside the checkpoint: averaged weights of a training that is still going on
DATASET = "gpu"


def configuration(tiny: bool) -> dict[str, Any]:
    """Returns the demo's configuration, or one of a tenth of its channels."""
    config = read_config(Path("experiments/demo/16000hz/config.json"))
    if tiny:
        model = config["model_config"]
        model |= {"upsampling_preconv_out_channels": 16, "upsampling_out_channels": [16, 16, 16, 16]}
        model |= {"downsampling_out_channels": [16, 16, 16]}
    return config


def warm_start(voice: Voice) -> Path:
    """Returns the newest weights of the demo voice."""
    newest = voice.checkpoint.with_name(NEXT)
    return newest if newest.is_file() else voice.checkpoint


def write_random_weights(voice: Voice, config: dict[str, Any]) -> None:
    """Writes a checkpoint of an untrained network, to try things out."""
    network = WaveGradNetwork(IVANVOVK.network_config(config), IVANVOVK.quirks)
    voice.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(network, IVANVOVK, config, voice.checkpoint.parent)


def write_voice(folder: Path, config: dict[str, Any], recipe: dict[str, Any]) -> Voice:
    """Writes the demo's recordings as a dataset of another name, whose weights lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / "config.json"
    atomic_write(own, json.dumps(config).encode())
    demo, checkpoint = load_voice("demo"), folder / "gpu" / "checkpoint.pt"
    write_dataset(folder, DATASET, demo, checkpoint=checkpoint, config=own, recipe=recipe)
    return load_voice(DATASET, experiments=folder)
