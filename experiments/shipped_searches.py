"""Prints the tables of searches in README and docs: `python -m experiments.shipped_searches [--table NAME]`.

Reads results/shipped/<dataset>/<rate>hz/<iters>iters/run.json of every voice and length, or of another folder that is
given. The first table has the objective of the schedule that ships, its PESQ, and the searched schedule minus the best
baseline; the second that difference in every metric; the third how many candidates were scored, and how long that took.
"""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.running import command, parser_of
from schedsearch.formatting import markdown_table, table_by_length
from schedsearch.report.result import Result, read_result
from vocoder.errors import InputError

SHIPPED, TRIALS = Path("results/shipped"), "trials.csv"
OTHERS = ("spectral", "log_mel_l1", "pesq", "stoi")  # beside the objective, in the second table; pesq_wb, or pesq_nb
Row = Mapping[str, Any]  # of run.json's held_out


@dataclass(frozen=True)
class Search:
    """One search's result, and the voice it is of."""

    voice: str
    iterations: int
    result: Result

    @property
    def rows(self) -> dict[str, Row]:
        """The held-out rows by metric; PESQ of either band is `pesq`."""
        rows = {str(row["metric"]): row for row in self.result.facts["held_out"]}
        either = rows.get("pesq_wb", rows.get("pesq_nb"))
        return rows if either is None else rows | {"pesq": either}

    @property
    def side(self) -> str:
        """The side of a row that ships."""
        return "winner" if self.result.improves else "baseline"


@command("shipped_searches")
def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables."""
    parser = parser_of("shipped_searches", __doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=SHIPPED, help=f"default: {SHIPPED}")
    parser.add_argument("--table", choices=TABLES, help="this one alone")
    options = parser.parse_args(arguments)
    searches = list(read_searches(options.folder))
    if not searches:
        raise InputError(f"no search has left a run.json below {options.folder}; give another folder")
    wanted = [options.table] if options.table else list(TABLES)
    print("\n\n".join(TABLES[name](searches) for name in wanted))


def read_searches(folder: Path) -> Iterator[Search]:
    """Reads searches voice by voice, each from its shortest length to its longest."""
    paths = sorted(folder.glob("*/*hz/*iters/run.json"), key=lambda path: (path.parts[-4], -_rate(path), _steps(path)))
    for path in paths:
        rate = _rate(path)
        yield Search(f"{path.parts[-4]}, {rate / 1000:g} kHz", _steps(path), read_result(path.parent))


def overview(searches: Sequence[Search]) -> str:
    """Writes a row a voice, a column a length."""
    return _by_length("the schedule that ships", searches, _cell)


def efforts(searches: Sequence[Search]) -> str:
    """Writes a row a voice, a column a length: candidates and minutes of work of all processes together."""
    return _by_length("candidates", searches, _effort)


def differences(searches: Sequence[Search]) -> str:
    """Writes a row a search: searched minus best baseline in the objective and the other metrics."""
    rows = []
    for search in searches:
        rival = f"{search.result.facts['baseline']}{'' if search.result.improves else ', which ships'}"
        intervals = [interval(row, 3) if row else "" for row in (search.result.verdict, *map(search.rows.get, OTHERS))]
        rows.append([search.voice, search.iterations, rival, *intervals])
    return markdown_table(["voice", "steps", "best baseline", "objective", *OTHERS], rows)


TABLES = {"overview": overview, "differences": differences, "efforts": efforts}


def _by_length(corner: str, searches: Sequence[Search], cell: Callable[[Search], str]) -> str:
    return table_by_length(corner, {(search.voice, search.iterations): cell(search) for search in searches})


def _effort(search: Search) -> str:
    """Leaves out the minutes where they are not known."""
    took, candidates = minutes(search), f"{search.result.facts['candidates']}"
    return candidates if math.isnan(took) else f"{candidates} in {took:.0f} min"


def minutes(search: Search) -> float:
    """Returns the minutes that candidates took, of all processes together.

    NaN where trials.csv was not shipped: with 100 betas a row it is the largest file.
    """
    if not (search.result.folder / TRIALS).is_file():
        return math.nan
    trials = search.result.trials
    return float(trials[trials["kind"] != "baseline"]["seconds"].sum() / 60)


def _cell(search: Search) -> str:
    objective, pesq = search.result.verdict, search.rows.get("pesq")
    text = _score(objective[search.side])
    if pesq is not None:
        text += f", PESQ {_number(pesq[search.side]['mean'])}"
    ships = "" if search.result.improves else f", {search.result.facts['baseline']} ships"
    return f"{text} ({interval(objective, 2)}{ships})"


def _score(score: Row) -> str:
    """Writes the mean, and its standard error where there is one: of one clip or with a failure there is none."""
    error = "" if score["se"] is None else f" ± {score['se']:.2f}"
    return _number(score["mean"]) + error


def _number(mean: float | None) -> str:
    """Writes a mean; run.json has null where a clip failed."""
    return "failed" if mean is None else f"{mean:.2f}"


def interval(row: Row, digits: int) -> str:
    """Writes the mean of a row's difference and its interval."""
    difference = row["difference"]
    if difference is None:
        return "too few clips"
    mean, low, high = (f"{difference[key]:+.{digits}f}".replace("-", "−") for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def _rate(path: Path) -> int:
    return int(path.parts[-3].removesuffix("hz"))


def _steps(path: Path) -> int:
    return int(path.parts[-2].removesuffix("iters"))


if __name__ == "__main__":
    sys.exit(main())
