"""Compares metrics by how they rank schedules: `python -m experiments.metrics_study [--voices DATASET ...]`.

Scores are stored in results/bench; a stopped study goes on. Tables of each voice go into
results/shipped/DATASET/RATEhz/metrics/, the table of all voices into results/shipped/metrics.md.
"""

import sys
from collections.abc import Sequence

from experiments.metrics_study import across
from experiments.metrics_study.scoring import Bench, StoredScores
from experiments.metrics_study.tables import write_tables
from experiments.metrics_study.working import PARTS, score_part
from experiments.running import command, parser_of

VOICES = ("demo", "june-16k", "kathleen-22k", "demo-coqui", "demo-lmnt")


@command("metrics_study")
def main(arguments: Sequence[str] | None = None) -> None:
    """Scores what has no score yet, and writes the tables."""
    parser = parser_of("metrics_study", __doc__)
    parser.add_argument("--voices", nargs="+", default=list(VOICES), help=f"datasets (default: {' '.join(VOICES)})")
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS), help="none: the tables alone")
    options = parser.parse_args(arguments)
    benches = [Bench.open(dataset) for dataset in options.voices]
    for part in options.only:
        for bench in benches:
            score_part(part, bench.dataset, StoredScores(bench.identity))
    for bench in benches:
        print(f"wrote {write_tables(bench, StoredScores(bench.identity))}")
    print(f"wrote {across.write()}")


if __name__ == "__main__":
    sys.exit(main())
