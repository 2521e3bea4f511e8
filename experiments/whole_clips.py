"""How far does what an excerpt says of a loss lie from what whole clips say? `python -m experiments.whole_clips`

A transfer hears parts of the held-out clips, a search's verdict all of them. Both have heard the best baseline of a
search beside its winner, in noise of their own: the table sets the two losses side by side, for every voice and length
that is shipped with a matrix.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.shipped_searches import SHIPPED, Found, searches
from schedsearch.formatting import markdown_table, percent
from schedsearch.transfer.joined import matrices, read_matrices
from vocoder.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table and what it comes to; 2 and one line where nothing stands on both sides."""
    parser = argparse.ArgumentParser(prog="whole_clips", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=SHIPPED, help=f"default: {SHIPPED}")
    folder = parser.parse_args(arguments).folder
    try:
        matrix = read_matrices(matrices(folder / "transfer"))
        pairs = [(one, of_excerpts(one, matrix), of_whole_clips(one)) for one in searches(folder)]
    except InputError as error:
        print(f"whole_clips: {error}", file=sys.stderr)
        return 2
    pairs = [pair for pair in pairs if np.isfinite(pair[1:]).all()]
    if not pairs:
        print(f"whole_clips: nothing below {folder} was heard both ways; give another folder", file=sys.stderr)
        return 2
    rows = [
        [one.voice, one.iterations, one.result.facts["baseline"], percent(part), percent(whole)]
        for one, part, whole in pairs
    ]
    print(markdown_table(["voice", "steps", "best baseline", "loss on excerpts", "on whole clips"], rows))
    moves = np.abs([whole - part for _, part, whole in pairs])
    told = f"by {100 * moves.mean():.1f} points on average of {len(moves)}, {100 * moves.max():.1f} at most"
    print(f"\nLosses move {told}.")
    return 0


def of_whole_clips(one: Found) -> float:
    """The best baseline's loss beside the winner, as the search's verdict has it; NaN where it ships itself."""
    verdict = one.result.verdict
    if not one.result.improves or verdict["difference"] is None:
        return float("nan")
    return float(abs(verdict["difference"]["mean"]) / abs(verdict["winner"]["mean"]))


def of_excerpts(one: Found, matrix: pd.DataFrame) -> float:
    """The same of a transfer; NaN where that has not heard it."""
    facts = one.result.facts
    rows = matrix[
        (matrix["dataset"] == facts["dataset"])
        & (matrix["rate"] == facts["sample_rate"])
        & (matrix["iterations"] == one.iterations)
        & (matrix["schedule"] == facts["baseline"])
        & (matrix["metric"] == facts["objective"])
    ]
    return float(rows["relative_loss"].iloc[0]) if len(rows) else float("nan")


if __name__ == "__main__":
    sys.exit(main())
