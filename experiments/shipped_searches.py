"""What searches found, as the tables in README and results/shipped/README.md: `python -m experiments.shipped_searches`.

Reads results/shipped/<dataset>/<rate>hz/<iters>iters/run.json of every voice and length, or of another folder that is
given. The first table has the objective of what ships, its PESQ, and the searched schedule minus the best baseline; the
second that difference in every metric; the third how many candidates were scored, and how long that took.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedsearch.formatting import markdown_table
from schedsearch.report.result import Result, read_result
from vocoder.errors import InputError

SHIPPED, TRIALS = Path("results/shipped"), "trials.csv"
OTHERS = ("spectral", "log_mel_l1", "pesq", "stoi")  # beside the objective, in the second table; pesq_wb, or pesq_nb
Row = Mapping[str, Any]  # of run.json's held_out


@dataclass(frozen=True)
class Found:
    """One search's result, and the voice it is of."""

    voice: str
    iterations: int
    result: Result

    @property
    def rows(self) -> dict[str, Row]:
        """By metric; PESQ of either band is `pesq`."""
        rows = {str(row["metric"]): row for row in self.result.facts["held_out"]}
        either = rows.get("pesq_wb", rows.get("pesq_nb"))
        return rows if either is None else rows | {"pesq": either}

    @property
    def side(self) -> str:
        """Of a row: whose scores are those of what ships."""
        return "winner" if self.result.improves else "baseline"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables; 2 and one line where there is nothing to print."""
    parser = argparse.ArgumentParser(prog="shipped_searches", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=SHIPPED, help=f"default: {SHIPPED}")
    folder = parser.parse_args(arguments).folder
    try:
        found = list(searches(folder))
    except InputError as error:
        print(f"shipped_searches: {error}", file=sys.stderr)
        return 2
    if not found:
        print(f"shipped_searches: no search has left a run.json below {folder}; give another folder", file=sys.stderr)
        return 2
    print("\n\n".join([overview(found), differences(found), efforts(found)]))
    return 0


def searches(folder: Path) -> Iterator[Found]:
    """Voice by voice, each from its shortest length to its longest."""
    paths = sorted(folder.glob("*/*hz/*iters/run.json"), key=lambda path: (path.parts[-4], -_rate(path), _steps(path)))
    for path in paths:
        rate = _rate(path)
        yield Found(f"{path.parts[-4]}, {rate / 1000:g} kHz", _steps(path), read_result(path.parent))


def overview(found: Sequence[Found]) -> str:
    """A row a voice, a column a length."""
    return _by_length("held-out, of what ships", found, _cell)


def efforts(found: Sequence[Found]) -> str:
    """A row a voice, a column a length: candidates and minutes of work at them, of all processes together."""
    return _by_length("candidates", found, _effort)


def differences(found: Sequence[Found]) -> str:
    """A row a search: searched minus best baseline in the objective and the other metrics."""
    rows = []
    for one in found:
        rival = f"{one.result.facts['baseline']}{'' if one.result.improves else ', which ships'}"
        told = [_interval(row, 3) if row else "" for row in (one.result.verdict, *map(one.rows.get, OTHERS))]
        rows.append([one.voice, one.iterations, rival, *told])
    return markdown_table(["voice", "steps", "best baseline", "objective", *OTHERS], rows)


def _by_length(corner: str, found: Sequence[Found], told: Callable[[Found], str]) -> str:
    lengths = sorted({one.iterations for one in found})
    by_place = {(one.voice, one.iterations): told(one) for one in found}
    voices = dict.fromkeys(one.voice for one in found)
    rows = [[voice, *(by_place.get((voice, n), "") for n in lengths)] for voice in voices]
    return markdown_table([corner, *(f"{n} steps" for n in lengths)], rows)


def _effort(one: Found) -> str:
    """Without the minutes where the table of trials was not shipped: with 100 betas a row it is the largest file."""
    candidates = f"{one.result.facts['candidates']}"
    if not (one.result.folder / TRIALS).is_file():
        return candidates
    trials = one.result.trials
    return f"{candidates} in {trials[trials['kind'] != 'baseline']['seconds'].sum() / 60:.0f} min"


def _cell(one: Found) -> str:
    objective, pesq = one.result.verdict, one.rows.get("pesq")
    told = f"{objective[one.side]['mean']:.2f} ± {objective[one.side]['se']:.2f}"
    if pesq is not None:
        told += f", PESQ {pesq[one.side]['mean']:.2f}"
    ships = "" if one.result.improves else f", {one.result.facts['baseline']} ships"
    return f"{told} ({_interval(objective, 2)}{ships})"


def _interval(row: Row, digits: int) -> str:
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
