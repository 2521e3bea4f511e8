"""Prints what borrowing costs at each length, from transfers that were made one by one.

    python -m experiments.transfer_summary [MATRIX ...] [--short]

Prints transfer.md from the matrices given (default: those of results/shipped/transfer/), as `make transfer` writes it
from those in its own folder; with --short only its first table.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.running import command, parser_of
from schedsearch.transfer.files import PAGE
from schedsearch.transfer.matrix_files import matrices, read_matrices
from schedsearch.transfer.overview import overview, summary
from vocoder.errors import InputError

SHIPPED = Path("results/shipped/transfer")


@command("transfer_summary")
def main(arguments: Sequence[str] | None = None) -> None:
    """Prints it."""
    parser = parser_of("transfer_summary", __doc__)
    parser.add_argument("matrices", nargs="*", type=Path, metavar="MATRIX")
    parser.add_argument("--short", action="store_true", help="only what borrowing costs at each length")
    options = parser.parse_args(arguments)
    if not (paths := options.matrices or matrices(SHIPPED)):
        raise InputError(f"there is no matrix in {SHIPPED}; name some, or run from the repository's root")
    matrix = read_matrices(paths)
    print(f"{summary(matrix)}\n" if options.short else overview(matrix, PAGE), end="")


if __name__ == "__main__":
    sys.exit(main())
