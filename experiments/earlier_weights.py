"""What does training change? `python -m experiments.earlier_weights [DATASET] [--commit C] [--beside "demo"]`

Takes a voice's earlier weights out of this repository's history (the version before today's, unless --commit says
which), searches them as a voice of their own, and lets them, today's weights and the voices beside them judge one
another's winners: what it costs to borrow from another stage of training of the same voice, beside what it costs to
borrow from another speaker. Winners of all but the earlier weights are those in results/shipped.

The weights stay in results/bench/earlier_weights/ (git-ignored); tables go into
results/shipped/transfer/earlier_weights/. Goes on where it was stopped.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.checkpoints import add_hearing, bring_winners, search, transfer, write_dataset
from schedsearch.voice.config import EXPERIMENTS, Voice, load_voice
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

FOLDER, SHIPPED = Path("results/bench/earlier_weights"), Path("results/shipped")
TABLES = Path("transfer/earlier_weights")
EARLIER = "{}-earlier"


def main(arguments: Sequence[str] | None = None) -> int:
    """The first status that is not 0, and 2 with one line for bad input."""
    options = _options(arguments)
    try:
        voice = load_voice(options.dataset, options.rate, experiments=options.experiments)
        beside = [load_voice(name, None, experiments=options.experiments) for name in options.beside.split()]
        names = _prepare(voice, beside, options)
    except InputError as error:
        print(f"earlier_weights: {error}", file=sys.stderr)
        return 2
    if (status := search(options.folder, names[:1], options.iters, options.budget)) != 0:
        return status
    return transfer(names, options, options.shipped / TABLES)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="earlier_weights", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset", nargs="?", default="kathleen-22k")
    parser.add_argument("--rate", type=int)
    parser.add_argument("--commit", help="whose weights (default: of the commit before the checkpoint's last change)")
    parser.add_argument("--beside", default="demo", help="voices of other speakers (default: demo)")
    parser.add_argument("--iters", default="6")
    parser.add_argument("--budget", default="", help="of the search (default: a search's own)")
    add_hearing(parser)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--shipped", type=Path, default=SHIPPED)
    parser.add_argument("--experiments", type=Path, default=EXPERIMENTS)
    return parser.parse_args(arguments)


def _prepare(voice: Voice, beside: Sequence[Voice], options: argparse.Namespace) -> list[str]:
    """Datasets of the earlier weights, today's and those beside them, with the winners that stand; their names."""
    earlier = EARLIER.format(voice.dataset)
    checkpoint = options.folder / earlier / "checkpoint.pt"
    weights = _version(voice.checkpoint, options.commit)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(checkpoint, weights)
    write_dataset(options.folder, earlier, voice, checkpoint)
    for one in (voice, *beside):
        write_dataset(options.folder, one.dataset, one, one.checkpoint)
        bring_winners(options.shipped, options.folder, f"{one.dataset}/{one.sample_rate}hz")
    return [earlier, voice.dataset, *(one.dataset for one in beside)]


def _version(path: Path, commit: str | None) -> bytes:
    """Of a file, as this commit has it, or the one before its last change. InputError where there is none."""
    if commit is None:
        changes = _git(path.parent, "log", "-2", "--format=%H", "--", path.name).decode().split()
        if len(changes) < 2:
            raise InputError(f"the history must hold an earlier version of {path}, and has none; give --commit")
        commit = changes[1]
    return _git(path.parent, "show", f"{commit}:./{path.name}")


def _git(folder: Path, *words: str) -> bytes:
    try:
        return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True).stdout
    except FileNotFoundError as error:
        raise InputError("earlier weights are read out of the history with git; install it") from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode().strip().splitlines()[:1]
        raise InputError(f"git {words[0]} failed in {folder}: {''.join(reason)}; give --commit") from error


if __name__ == "__main__":
    sys.exit(main())
