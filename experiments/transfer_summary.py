"""What borrowing costs at each length, from transfers that were made one by one.

    python -m experiments.transfer_summary [MATRIX ...]

Prints the table that stands in README, from the matrix.csv files given (default: those of results/shipped/transfer/ and
of its lengths' folders). `make transfer` writes the same table, of its own lengths, into transfer.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from schedsearch.transfer.matrix import COLUMNS
from schedsearch.transfer.summary import summary
from vocoder.errors import InputError

SHIPPED = Path("results/shipped/transfer")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; 2 and one line for what is no matrix."""
    parser = argparse.ArgumentParser(prog="transfer_summary", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("matrices", nargs="*", type=Path, metavar="MATRIX")
    given = parser.parse_args(arguments).matrices
    try:
        print(summary(joined(given or [SHIPPED / "matrix.csv", *sorted(SHIPPED.glob("*iters/matrix.csv"))])))
    except InputError as error:
        print(f"transfer_summary: {error}", file=sys.stderr)
        return 2
    return 0


def joined(paths: Sequence[Path]) -> pd.DataFrame:
    """Their rows; InputError where two have the same length and judge, which were measured in different ways."""
    tables = [_read(path) for path in paths]
    seen: dict[tuple[object, ...], Path] = {}
    for path, table in zip(paths, tables, strict=True):
        for judge in table[["dataset", "rate", "checkpoint", "iterations"]].drop_duplicates().itertuples(index=False):
            if (other := seen.setdefault(tuple(judge), path)) is not path:
                raise InputError(f"{other} and {path} both have {judge.dataset} in {judge.iterations} steps; give one")
    return pd.concat(tables, ignore_index=True)


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        reason = str(error).strip()
        raise InputError(f"{path} can't be read as a table ({reason}); give a matrix.csv of `make transfer`") from None
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise InputError(f"{path} has no column {missing[0]}; give a matrix.csv of `make transfer`")
    return table


if __name__ == "__main__":
    sys.exit(main())
