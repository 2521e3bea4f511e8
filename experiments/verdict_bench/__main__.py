"""`python -m experiments.verdict_bench [--only PART ...]`: measures searches beside those of the earlier engine.

Hours in all; a stopped bench goes on. Tables go into results/shipped/verdict/ as far as they are measured.
"""

import sys
from collections.abc import Callable, Sequence

import optuna

from experiments.running import command, parser_of
from experiments.verdict_bench import grids, honesty
from experiments.verdict_bench.judging import judge_searches
from experiments.verdict_bench.searches import run_searches
from experiments.verdict_bench.tables import PATH, write_tables

PARTS: dict[str, Callable[[], None]] = {
    "searches": run_searches,
    "judge": judge_searches,
    "grids": grids.score_grids,
    "against": grids.compare_with_grids,
    "regret": honesty.measure_regret,
    "false": honesty.measure_false_winners,
}


@command("verdict_bench")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs all parts, or those named."""
    parser = parser_of("verdict_bench", __doc__)
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS), help="none: the tables alone")
    chosen = parser.parse_args(arguments).only
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for part in chosen:
        PARTS[part]()
        write_tables()
    write_tables()
    print(f"wrote {PATH}")


if __name__ == "__main__":
    sys.exit(main())
