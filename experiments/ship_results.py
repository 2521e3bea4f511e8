"""Ships what finished searches left: `python -m experiments.ship_results [DATASET] [--rate HZ] [--iters "6 12"]`.

Makes the page without audio of each length anew and copies it with schedules, leaderboard, trials and verdict from
results/<dataset>/<rate>hz/<iters>iters/ to results/shipped/<dataset>/<rate>hz/<iters>iters/, where `make search` of
other voices and lengths, `make compare` and `make transfer` find them. Without --iters: every length with a winner.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.running import command, parser_of
from schedsearch.arguments import lengths
from schedsearch.cli import main as schedsearch
from schedsearch.report.pages import SMALL_PAGE
from schedsearch.voice.config import EXPERIMENTS, load_voice
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

RESULTS, SHIPPED = Path("results"), Path("results/shipped")
FILES = (
    *("schedule.pt", "schedule.lmnt.npy", "schedule.coqui.npy", "schedule.json"),
    *("leaderboard.csv", "trials.csv", "run.json", SMALL_PAGE),
)
LARGEST_PAGE = 1_000_000  # bytes


@command("ship_results")
def main(arguments: Sequence[str] | None = None) -> None:
    """Ships every length."""
    parser = parser_of("ship_results", __doc__, voice=True)
    parser.add_argument("--iters", default="", help="such as '6 12'")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--shipped", type=Path, default=SHIPPED)
    parser.add_argument("--experiments", type=Path, default=EXPERIMENTS)
    options = parser.parse_args(arguments)
    voice = load_voice(options.dataset, options.rate, experiments=options.experiments)
    own, shipped = options.results / voice.label, options.shipped / voice.label
    for length in _lengths(own, options.iters):
        _make_page(options, voice.sample_rate, length)
        ship(own / f"{length}iters", shipped / f"{length}iters")
        print(f"shipped {shipped}/{length}iters")


def ship(source: Path, target: Path) -> None:
    """Copies all of FILES, or none where one is missing or the page is too large to be committed."""
    missing = [name for name in FILES if not (source / name).is_file()]
    if missing:
        raise InputError(f"{source} lacks {missing[0]}; let its search end first")
    contents = {name: (source / name).read_bytes() for name in FILES}
    if (size := len(contents[SMALL_PAGE])) > LARGEST_PAGE:
        raise InputError(f"{source / SMALL_PAGE} must be below {LARGEST_PAGE} bytes, and has {size}")
    target.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        atomic_write(target / name, content)


def _lengths(folder: Path, asked: str) -> list[int]:
    if asked:
        return list(lengths(asked))
    finished = sorted(int(path.parent.name.removesuffix("iters")) for path in folder.glob("*iters/run.json"))
    if not finished:
        raise InputError(f"{folder} has no finished search; run make search first")
    return finished


def _make_page(options: argparse.Namespace, rate: int, length: int) -> None:
    words = ["report", f"--dataset={options.dataset}", f"--rate={rate}", f"--iters={length}", "--small"]
    if schedsearch([*words, f"--results={options.results}", f"--experiments={options.experiments}"]) != 0:
        raise InputError(f"no page of {length} iterations could be made; see the line above")


if __name__ == "__main__":
    sys.exit(main())
