"""The demo voice as the parts of a session train it."""

import json
import os
from pathlib import Path
from typing import Any

from schedsearch.voice.config import Voice, load_voice
from vocoder.atomic import atomic_write
from vocoder.checkpoints.configuration import read_config
from vocoder.checkpoints.saving import save_checkpoint
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.network import WaveGradNetwork

NEXT = "next.pt"  # beside the checkpoint: averaged weights of a training that is still going on
DATASET = "gpu"


def configuration(tiny: bool) -> dict[str, Any]:
    """The demo's, or one of a tenth of its channels."""
    config = read_config(Path("experiments/demo/16000hz/config.json"))
    if tiny:
        model = config["model_config"]
        model |= {"upsampling_preconv_out_channels": 16, "upsampling_out_channels": [16, 16, 16, 16]}
        model |= {"downsampling_out_channels": [16, 16, 16]}
    return config


def warm_start(voice: Voice) -> Path:
    """The newest weights of the demo voice."""
    newest = voice.checkpoint.with_name(NEXT)
    return newest if newest.is_file() else voice.checkpoint


def write_random_weights(voice: Voice, config: dict[str, Any]) -> None:
    """A checkpoint of an untrained network: as good as another for trying things out."""
    network = WaveGradNetwork(IVANVOVK.network_config(config), IVANVOVK.quirks)
    voice.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(network, IVANVOVK, config, voice.checkpoint.parent)


def write_dataset(folder: Path, config: dict[str, Any], recipe: dict[str, Any]) -> Voice:
    """The demo's recordings under another name, whose weights lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    demo = load_voice("demo")
    if demo.training is None:
        raise SystemExit("experiments/demo.toml has no training table: nothing to train on")
    atomic_write(folder / "config.json", json.dumps(config).encode())
    seen = {"search_clips": demo.search_clips, "held_out_clips": demo.held_out_clips, "audio": demo.training.audio}
    place = {key: json.dumps(os.path.relpath(str(path), folder)) for key, path in seen.items()}
    fields = ", ".join(f"{key} = {json.dumps(value)}" for key, value in recipe.items())
    text = f"""[rates.16000]
checkpoint = "gpu/checkpoint.pt"
config = "config.json"
search_clips = {place["search_clips"]}
held_out_clips = {place["held_out_clips"]}

[rates.16000.training]
audio = {place["audio"]}
obtain = {json.dumps(demo.training.obtain)}
recipe = {{ {fields} }}
"""
    atomic_write(folder / f"{DATASET}.toml", text.encode())
    return load_voice(DATASET, experiments=folder)
