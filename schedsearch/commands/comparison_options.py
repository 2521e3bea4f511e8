"""The options that `compare` and `transfer` share."""

import argparse
from functools import partial
from pathlib import Path

from schedsearch.arguments import (
    Options,
    add_precision,
    add_results,
    add_seed,
    lengths,
    positive_number,
    whole_number,
    words,
)
from schedsearch.comparison.contest import Settings
from schedsearch.evaluation.draws import MOST_DRAWS
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE


def add(parser: argparse.ArgumentParser, what: Options, *, usual_lengths: str, objective: str) -> None:
    """Adds the shared options, the lengths to the group `what`.

    `usual_lengths` and `objective` are parts of the help: what is compared by default, and what the objective decides.
    """
    what.add_argument(
        "--iters", type=lengths, default=(), help=f"numbers of steps, such as '6 12' (default: {usual_lengths})"
    )
    how = parser.add_argument_group("how to score")
    how.add_argument("--objective", default=DEFAULT_OBJECTIVE, help=f"{objective} (default: {DEFAULT_OBJECTIVE})")
    how.add_argument(
        "--metrics", type=words, default=(), help="columns, such as 'pesq stoi mcd' (default: those of a search)"
    )
    how.add_argument(
        "--seconds",
        type=partial(positive_number, name="EXCERPT"),
        default=1.6,
        help="seconds of each clip, a typical part of it (default: 1.6)",
    )
    how.add_argument(
        "--draws",
        type=partial(whole_number, name="DRAWS", least=1, most=MOST_DRAWS),
        default=1,
        help="draws of noise for each clip (default: 1)",
    )
    add_seed(how, "the noise")
    add_precision(how)
    add_results(parser.add_argument_group("results"))


def settings(options: argparse.Namespace, files: tuple[Path, ...] = ()) -> Settings:
    """Returns the settings of a comparison or a transfer."""
    others = ["objective", "metrics", "seconds", "draws", "seed", "precision", "results"]
    return Settings(options.iters, files, **{name: getattr(options, name) for name in others})
