"""Runs the default search of both engines, each as users run it, on the same weights, clips and warm starts."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

from experiments.row_cache import RowCache
from experiments.running import made_by
from vocoder.errors import InputError

OLD = "9dcb044"  # the commit of the earlier engine, whose weights both search on
TREE = Path(__file__).resolve().parents[2]
WORK = TREE / "results/bench/verdict"  # git-ignored: the earlier tree, and each search's results folder
TABLES = TREE / "results/shipped/verdict"
SEARCHES = TABLES / "searches.csv"
ENGINES = ("old", "new")
VOICES = (("demo", 16000), ("june-16k", 16000), ("demo", 8000))
SEEDS = {6: 3, 12: 2, 25: 2, 50: 1, 100: 1}  # how many, by the number of steps
SHIPPED = (50, 100)  # steps at which the earlier engine is not run again: what its commit ships stands for it
_COUNTED = Path(__file__).with_name("counted_search.py")


@dataclass(frozen=True)
class Search:
    """One search of one engine; the fields name it in a table."""

    engine: str
    dataset: str
    rate: int
    iterations: int
    seed: int

    @property
    def folder(self) -> Path:
        """Where it writes."""
        return WORK / self.engine / f"{self.dataset}-{self.rate}-{self.iterations}-seed{self.seed}"

    @property
    def results(self) -> Path:
        """The search's own results folder."""
        return self.folder / "results" / self.dataset / f"{self.rate}hz" / f"{self.iterations}iters"


def planned() -> Iterator[Search]:
    """Yields all searches, short ones first and both engines side by side."""
    for seed in range(max(SEEDS.values())):
        for iterations, seeds in SEEDS.items():
            for dataset, rate in VOICES:
                if seed < seeds:
                    yield from (Search(engine, dataset, rate, iterations, seed) for engine in ENGINES)


def run_searches() -> None:
    """Runs what is missing in the table, one search after the other; a stopped search begins again, to count all."""
    table = RowCache(SEARCHES, ".6g")
    for search in planned():
        if not table.has(**asdict(search)):
            print(f"{search.engine} engine: {search.dataset} {search.rate} Hz, {search.iterations} steps, "
                  f"seed {search.seed}", flush=True)  # fmt: skip
            table.add([shipped_row(search) if is_shipped(search) else run(search)])


def is_shipped(search: Search) -> bool:
    """Says whether the schedule that the earlier commit ships stands for this search."""
    return search.engine == "old" and search.iterations in SHIPPED


def shipped_row(search: Search) -> dict[str, object]:
    """Returns the row of a schedule that the earlier commit ships: without costs."""
    place = search.results.relative_to(search.folder)
    path = earlier_tree() / "results/shipped" / place.relative_to("results") / "schedule.json"
    return {**asdict(search), "betas": _betas(path)}


def run(search: Search) -> dict[str, object]:
    """Runs one search in a process of its own; returns its row."""
    old, results = earlier_tree(), search.folder / "results"
    shutil.rmtree(search.folder, ignore_errors=True)
    _copy_starts(old / "results/shipped", results / "shipped")
    costs = search.folder / "costs.json"
    command = [sys.executable, str(_COUNTED), str(costs), "search", "--dataset", search.dataset, "--rate",
               str(search.rate), "--iters", str(search.iterations), "--seed", str(search.seed), "--results",
               str(results), "--force=1"]  # fmt: skip
    # The earlier tree's voices for both, whose weights stay when the project's own are trained on.
    environment = {**os.environ, "PYTHONPATH": str(old if search.engine == "old" else TREE)}
    with (search.folder / "log").open("a") as log:
        status = subprocess.run(command, cwd=old, env=environment, stdout=log, stderr=log, check=False).returncode
    if status:
        raise InputError(f"the {search.engine} engine's search ended with status {status}; see {search.folder}/log")
    return row_of(search, json.loads(costs.read_text()))


def row_of(search: Search, costs: dict[str, object]) -> dict[str, object]:
    """Returns a finished search's row."""
    facts = json.loads((search.results / "run.json").read_text())
    return {
        **asdict(search),
        **costs,
        "candidates": facts["candidates"],
        "precision": facts["identity"]["precision"],
        "ships": facts["name"],
        "improves": facts["improves_on_baseline"],
        **made_by(),
        "betas": _betas(search.results / "schedule.json"),
    }


def _betas(path: Path) -> str:
    return " ".join(f"{beta:.17g}" for beta in json.loads(path.read_text())["betas"])


def earlier_tree() -> Path:
    """Returns the folder of the earlier commit's files, taken from the repository's history once."""
    tree = WORK / OLD
    if not tree.exists():
        packed = subprocess.run(["git", "archive", OLD], cwd=TREE, capture_output=True, check=False)
        if packed.returncode:
            raise InputError(f"the repository must hold commit {OLD}, and does not; fetch its whole history")
        with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
            archive.extractall(tree.with_suffix(".part"), filter="data")
        tree.with_suffix(".part").rename(tree)
    return tree


def _copy_starts(shipped: Path, into: Path) -> None:
    """Copies the shipped schedules, from which both engines begin."""
    for path in shipped.rglob("schedule.json"):
        target = into / path.relative_to(shipped)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
