"""`python -m experiments.metrics_study [--only PART ...]`: how the metrics rank schedules, and which should decide.

Scores are kept in results/bench; stopped, it goes on. Tables go into results/shipped/demo/16000hz/metrics/.
"""

import argparse
import sys
from collections.abc import Sequence

from experiments.metrics_study.scoring import Bench, Kept
from experiments.metrics_study.tables import write_tables
from experiments.metrics_study.working import PARTS, score_part
from vocoder.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Scores what is not scored yet; 2 and one line for bad input."""
    parser = argparse.ArgumentParser(prog="metrics_study", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS), help="none: the tables alone")
    chosen = parser.parse_args(arguments).only
    try:
        bench = Bench.open()
        kept = Kept(bench.identity)
        for part in chosen:
            score_part(part, kept)
        path = write_tables(bench, kept)
    except InputError as error:
        print(f"metrics_study: {error}", file=sys.stderr)
        return 2
    print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
