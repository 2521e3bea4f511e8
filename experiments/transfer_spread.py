"""Would another measurement say the same? `python -m experiments.transfer_spread ONE OTHER`

Two matrices of transfer of the same winners, such as of other noise (`make transfer ITERS=6 SEED=1`, in another results
folder): how far losses by the objective lie apart, and how many pairs are called otherwise.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from schedsearch.formatting import markdown_table, percent
from schedsearch.transfer.joined import read_matrices
from schedsearch.transfer.matrix import BASELINE, OTHERS, RATE, SAME
from schedsearch.transfer.summary import decisive
from vocoder.errors import InputError

KINDS = {
    "another speaker's winner": OTHERS,
    "the same speaker's winner at another rate": (RATE,),
    "the winner of another checkpoint of the same speaker": (SAME,),
    "published schedules and formulas": (BASELINE,),
}
# What a winner is called does not tell whether it is the same one: its ends do.
PLACE = ["dataset", "rate", "checkpoint", "iterations", "schedule", "metric", "first_log_snr", "terminal_log_snr"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a row a kind of schedule; 2 and one line for what is no matrix, or where nothing stands in both."""
    parser = argparse.ArgumentParser(prog="transfer_spread", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("one", type=Path, metavar="ONE")
    parser.add_argument("other", type=Path, metavar="OTHER")
    options = parser.parse_args(arguments)
    try:
        one, other = (decisive(read_matrices([path])) for path in (options.one, options.other))
    except InputError as error:
        print(f"transfer_spread: {error}", file=sys.stderr)
        return 2
    rows = list(spread(one.merge(other, on=PLACE, suffixes=("", "_other"))))
    if not rows:
        files = f"{options.one} and {options.other}"
        print(f"transfer_spread: {files} share no row; give two of one length", file=sys.stderr)
        return 2
    head = ["of", "steps", "pairs", "loss moves, mean", "at most", "largest loss", "in the other", "called otherwise"]
    print(markdown_table(head, rows))
    return 0


def spread(both: pd.DataFrame) -> Iterator[list[object]]:
    """Rows that stand in two matrices -> those of the table, kind by kind; failures have no loss to move."""
    for kind, relations in KINDS.items():
        rows = both[both["relation"].isin(relations)].dropna(subset=["relative_loss", "relative_loss_other"])
        for n, found in rows.groupby("iterations"):
            one, other = found["relative_loss"], found["relative_loss_other"]
            moves, turned = (one - other).abs(), (found["verdict"] != found["verdict_other"]).sum()
            told = [percent(loss) for loss in (one.max(), other.max())]
            apart = [f"{100 * moves.mean():.1f}", f"{100 * moves.max():.1f}"]
            yield [kind, n, len(found), *apart, *told, f"{turned} of {len(found)}"]


if __name__ == "__main__":
    sys.exit(main())
