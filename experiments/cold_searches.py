"""Does borrowing cost little only because searches began from one another? `python -m experiments.cold_searches`

Searches each voice again without any other's winners, so that each winner comes from its own clips and straight lines
alone, and lets each voice judge all of them: what stands in transfer.md, of winners that have nothing in common but the
method: its lines, and its seed, so that what is proposed before anything is known is the same for all. Voices are named
as for `make transfer`: "demo@8000 june-16k".

Searches stay in results/bench/cold_searches/ (git-ignored); tables go into results/shipped/transfer/cold_searches/.
Goes on where it was stopped; `--only` one part, or some `--voices`, and several processes share the work.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from experiments.checkpoints import add_hearing, search, ship, transfer, write_voice
from schedsearch.transfer.judges import judges, named_voices
from schedsearch.voice.config import EXPERIMENTS, Voice
from vocoder.errors import InputError

FOLDER, SHIPPED = Path("results/bench/cold_searches"), Path("results/shipped/transfer/cold_searches")


def main(arguments: Sequence[str] | None = None) -> int:
    """All parts, or those named; the first status that is not 0, and 2 with one line for bad input."""
    options = _options(arguments)
    try:
        names = [write_voice(options.folder, voice) for voice in _voices(options)]
    except InputError as error:
        print(f"cold_searches: {error}", file=sys.stderr)
        return 2
    return next((status for part in options.only if (status := PARTS[part](names, options)) != 0), 0)


def _voices(options: argparse.Namespace) -> list[Voice]:
    """Those named, or all that could judge."""
    if named := options.voices.split():
        return list(named_voices(named, options.experiments))
    # A judge's winners are of no interest here: none are looked for where none can be.
    found, _ = judges((), options.experiments, options.folder / "none")
    return [judge.voice for judge in found]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cold_searches", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--voices", default="", help="such as 'demo june-16k demo@8000' (default: all with data)")
    parser.add_argument("--iters", default="6")
    parser.add_argument("--budget", default="", help="of each search (default: a search's own)")
    add_hearing(parser)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--shipped", type=Path, default=SHIPPED)
    parser.add_argument("--experiments", type=Path, default=EXPERIMENTS)
    return parser.parse_args(arguments)


def _search(names: Sequence[str], options: argparse.Namespace) -> int:
    status = search(options.folder, names, options.iters, options.budget)
    for name in names:  # what each found, for whole held-out clips
        for table in sorted((options.folder / "searches" / name / name).glob("*hz/*iters/leaderboard.csv")):
            ship(table, options.shipped / f"{name}.{table.parent.name}.leaderboard.csv")
    return status


def _transfer(names: Sequence[str], options: argparse.Namespace) -> int:
    return transfer(names, options, options.shipped)


PARTS: Mapping[str, Callable[[Sequence[str], argparse.Namespace], int]] = {"search": _search, "transfer": _transfer}

if __name__ == "__main__":
    sys.exit(main())
