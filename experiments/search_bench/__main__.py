"""`python -m experiments.search_bench [--only PART ...]`: measures the search engine on the demo voice.

Writes into results/shipped/demo/16000hz/search/OBJECTIVE/, by the default objective unless the environment names
another. Stored parts are not made again; a stopped bench goes on.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna

from experiments.search_bench import ablation, curves, finalists, grids, held_out, noise, racing
from experiments.search_bench.searching import OBJECTIVE
from experiments.search_bench.tables import PATH, write_tables
from vocoder.errors import InputError

RESULTS = Path("results/bench") / OBJECTIVE  # stores of the searches that take long, so that they go on
# Candidates of each grid that are scored: all of lmnt's at 6 steps, else as many as fit into a part of an hour.
GRIDS = (("lmnt", 6, 729), ("ivanvovk", 6, 2000), ("lmnt", 12, 200), ("ivanvovk", 12, 400))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all parts, or those named; returns 2 after one line for bad input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS), help="none: the tables alone")
    chosen = parser.parse_args(arguments).only
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        for part in chosen:
            PARTS[part]()
            write_tables()  # of what there is so far
        write_tables()
    except InputError as error:
        print(f"search_bench: {error}", file=sys.stderr)
        return 2
    print(f"wrote {PATH}")
    return 0


def _grids() -> None:
    for name, iterations, count in GRIDS:
        grids.score_grid(name, iterations, count, grids.grid_path(name, iterations))


def _lengths() -> None:
    for iterations in held_out.CANDIDATES:
        held_out.measure_length(iterations, RESULTS)


def _noise() -> None:
    noise.measure_noise(RESULTS)


PARTS: dict[str, Callable[[], None]] = {
    "race": racing.score_candidates,
    "grids": _grids,
    "against": curves.measure_against_grids,
    "curves": curves.measure_curves,
    "ablation": ablation.measure_ablation,
    "finalists": finalists.measure_finalists,
    "overhead": curves.measure_overhead,
    "lengths": _lengths,
    "noise": _noise,
}

if __name__ == "__main__":
    sys.exit(main())
