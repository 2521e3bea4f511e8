"""The options that choose a voice."""

import argparse

from schedsearch.arguments import Options, given_path, sample_rate
from schedsearch.voice.config import EXPERIMENTS, Voice, load_voice


def add(parser: argparse.ArgumentParser) -> None:
    """Adds --dataset, --rate and --experiments."""
    group = parser.add_argument_group("voice")
    group.add_argument("--dataset", default="demo", help="the voice: experiments/DATASET.toml (default: demo)")
    group.add_argument(
        "--rate", type=sample_rate, help="sample rate in Hz, if the dataset has several (default: its default_rate)"
    )
    add_experiments(group)


def add_experiments(parser: Options) -> None:
    """Adds --experiments."""
    folder = f"folder of the datasets' files (default: {EXPERIMENTS})"
    parser.add_argument("--experiments", type=given_path, default=EXPERIMENTS, help=folder)


def chosen_voice(options: argparse.Namespace) -> Voice:
    """Loads the voice of these options; InputError names the known ones or the fault."""
    return load_voice(options.dataset, options.rate, experiments=options.experiments)
