"""The options that name a voice, and the voice that they name."""

import argparse
from pathlib import Path

from schedsearch.arguments import optional_rate
from schedsearch.voice.config import EXPERIMENTS, Voice, load_voice


def add(parser: argparse.ArgumentParser) -> None:
    """Adds --dataset, --rate and --experiments."""
    parser.add_argument("--dataset", default="demo", help="experiments/DATASET.toml (default: demo)")
    parser.add_argument("--rate", help="sample rate in Hz, where the dataset has several (default: its default_rate)")
    parser.add_argument("--experiments", type=Path, default=EXPERIMENTS, help=argparse.SUPPRESS)


def chosen_voice(options: argparse.Namespace) -> Voice:
    """The voice of these options; InputError says what is known or wrong."""
    return load_voice(options.dataset, optional_rate(options.rate), experiments=options.experiments)
