"""Finds the schedules to compare: baselines, winners below results, and files of the user's."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schedsearch.formatting import counted
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.files import read_provenance, read_schedule
from schedsearch.schedules.named import published_schedules, universal_schedules
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.errors import InputError

WINNER = "schedule.json"
PUBLISHED, FORMULA = "published", "formula or resampled"  # sources of baselines


@dataclass(frozen=True)
class Entrant:
    """A schedule under the name that the table shows."""

    name: str
    kind: Literal["baseline", "searched", "given"]
    source: str  # its file, or how a baseline came about
    schedule: NoiseSchedule


def baselines_of(iterations: int, *, own: Collection[str] = ()) -> list[Entrant]:
    """Lists all baselines of a length, without universal ones that any of `own` (dataset and speaker) chose."""
    sources = dict.fromkeys(published_schedules(), PUBLISHED) | dict.fromkeys(universal_schedules(), "universal")
    return [
        Entrant(name, "baseline", sources.get(name, FORMULA), schedule)
        for name, schedule in baselines(iterations, own=own).items()
    ]


def winners_of(voice: Path, shipped: Path, iterations: int) -> list[Entrant]:
    """Reads the winners of this length in these two folders of the voice, where there are any."""
    whose = {folder / f"{iterations}iters" / WINNER: word for folder, word in ((voice, ""), (shipped, "shipped"))}
    found = [
        Entrant(_label(path, word), "searched", str(path), read_schedule(path))
        for path, word in whose.items()
        if path.exists()
    ]
    for winner in found:
        if len(winner.schedule) != iterations:
            raise InputError(
                f"{winner.source} must have {counted(iterations, 'step')}, as its folder says, and has "
                f"{len(winner.schedule)}; run that search again, or delete the folder"
            )
    return found


def is_of_these_weights(winner: Entrant, weights_hash: str) -> bool:
    """Says whether a winner was searched on these weights. One whose file does not say was."""
    return bool(read_provenance(Path(winner.source)).get("checkpoint_hash", weights_hash) == weights_hash)


def lengths_with_winners(*folders: Path) -> list[int]:
    """Lists the lengths that have a winner in any of these folders of a voice, shortest first."""
    names = [path.parent.name.removesuffix("iters") for f in folders for path in f.glob(f"*iters/{WINNER}")]
    return sorted({int(name) for name in names if re.fullmatch(r"[1-9][0-9]*", name)})


def given(paths: Sequence[Path]) -> list[Entrant]:
    """Reads the user's files, each once, under their names, or their paths where two share a name."""
    distinct = list(dict.fromkeys(paths))
    for path in distinct:
        _check_path(path)
    names = Counter(path.name for path in distinct)
    return [
        Entrant(path.name if names[path.name] == 1 else str(path), "given", str(path), read_schedule(path))
        for path in distinct
    ]


def _check_path(path: Path) -> None:
    """Refuses a path that the table could not hold, before anything is scored."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputError(f"schedule file {ascii(str(path))}: its path must be UTF-8; rename it") from None


def _label(path: Path, whose: str) -> str:
    """Says what a winner was searched for, or which baseline its search kept; short enough for a terminal's table."""
    provenance = read_provenance(path)
    if provenance.get("kind") == "baseline":
        return f"{whose} search kept {provenance.get('name', 'a baseline')}".lstrip()
    return (whose or "searched") + (f" for {provenance['objective']}" if "objective" in provenance else "")
