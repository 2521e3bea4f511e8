"""Who is compared: baselines, the winners that stand under results, and files that the user brings."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.files import read_provenance, read_schedule
from schedsearch.schedules.named import published_names, universal_names
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.errors import InputError

SHIPPED = "shipped"  # below the results folder: what the project committed
WINNER = "schedule.json"


@dataclass(frozen=True)
class Entrant:
    """A schedule under the name that the table shows."""

    name: str
    kind: Literal["baseline", "searched", "given"]
    source: str  # its file, or how a baseline came about
    schedule: NoiseSchedule


def baselines_of(iterations: int, *, own: Collection[str] = ()) -> list[Entrant]:
    """All of this length; universal ones only where none of `own`, dataset and speaker, has chosen them."""
    sources = dict.fromkeys(published_names(), "published") | dict.fromkeys(universal_names(), "universal")
    return [
        Entrant(name, "baseline", sources.get(name, "formula or resampled"), schedule)
        for name, schedule in baselines(iterations, own=own).items()
    ]


def winners_of(voice: Path, shipped: Path, iterations: int) -> list[Entrant]:
    """What searches of this length left in these two folders of the voice, as far as it stands there."""
    found = {folder / f"{iterations}iters" / WINNER: mark for folder, mark in ((voice, ""), (shipped, " (shipped)"))}
    return [
        Entrant(_label(path) + mark, "searched", str(path), read_schedule(path))
        for path, mark in found.items()
        if path.exists()
    ]


def lengths_with_winners(voice: Path, shipped: Path) -> list[int]:
    """Those that `winners_of` has something of, shortest first."""
    names = [path.parent.name.removesuffix("iters") for f in (voice, shipped) for path in f.glob(f"*iters/{WINNER}")]
    return sorted({int(name) for name in names if name.isdecimal()})


def given(paths: Sequence[Path]) -> list[Entrant]:
    """The user's files, each once, under their own names, or their paths where two share a name."""
    once = list(dict.fromkeys(paths))
    for path in once:
        _check_path(path)
    names = Counter(path.name for path in once)
    return [
        Entrant(path.name if names[path.name] == 1 else str(path), "given", str(path), read_schedule(path))
        for path in once
    ]


def _check_path(path: Path) -> None:
    """Before anything is scored: it stands in the table."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputError(f"schedule file {ascii(str(path))}: its path must be UTF-8; rename it") from None


def _label(path: Path) -> str:
    """What it was searched for; a search that found nothing better has left a baseline there."""
    provenance = read_provenance(path)
    if provenance.get("kind") == "baseline":
        return f"search kept {provenance.get('name', 'a baseline')}"
    return f"searched for {provenance['objective']}" if "objective" in provenance else "searched"
