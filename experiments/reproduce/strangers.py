"""Searches each voice as a stranger's would be: from the universal schedules and the winners of other speakers.

The shipped searches know neither, or one voice's winner would be made from another's. A user's search knows both, and
has the universal schedule to beat.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from experiments.reproduce.transfer import copy, copy_winners
from experiments.shipped_searches import Search, interval, read_searches
from schedsearch.api import OpenVoice
from schedsearch.comparison.table import write_table
from schedsearch.evaluation.bootstrap import COVERAGE
from schedsearch.evaluation.multiple import holm, p_values
from schedsearch.formatting import markdown_table, percent
from schedsearch.metrics import mos
from schedsearch.report.result import read_result
from schedsearch.search.loop import Progress
from schedsearch.voice.config import Voice
from schedsearch.voice.opened import open_vocoder
from vocoder.atomic import atomic_write

AS_NEW, TABLE = "-as-new", "strangers.csv"
HEAD = ["voice", "steps", "best without a search", "its score", "searched minus that", "part of it", "PESQ",
        "Distill-MOS", "ships", "candidates", "its own search"]  # fmt: skip
HOW = """# What a search adds on a new voice

Each voice was searched as if it were new, with seed 0. So the search had what every user's search has: the universal
schedules among the baselines, and the shipped winners of other speakers to begin from. It did not have the voice's own
winners. The universal schedules were chosen on earlier weights of these speakers: that is in their favour.

The searched schedule beside the baseline that was best on the search clips, on whole held-out clips: the objective,
where less is better, and then PESQ and Distill-MOS, where more is. Intervals are of 95 %, over clips; * marks those of
the objective that exclude zero after Holm's correction for all rows. Where the searched one is not better, the baseline
ships. The last column is for comparison: the score of the schedule that the voice's own search found, whatever it
ships (results/shipped). That search began from straight lines, and in 12 steps from its own winner of 6. It had neither
a universal schedule nor another voice's winner."""


def search_as_stranger(voice: Voice, iterations: int, results: Path, voices: Iterable[Voice]) -> None:
    """Searches a voice under a name and a speaker that no universal schedule was chosen on. A stopped search goes on.

    Its warm starts are the shipped winners of those of `voices` that have another speaker.
    """
    for other in voices:
        if other.speaker != voice.speaker:
            copy_winners(other, results)
    name = f"{voice.dataset}{AS_NEW}"
    new = replace(voice, dataset=name, speaker=name)
    with tqdm(bar_format="{desc} {elapsed}") as bar:

        def tell(progress: Progress) -> None:
            bar.set_description_str(f"{new.label}, {iterations} steps: {progress.stage} {progress.done:4.0%}")

        OpenVoice(new, open_vocoder(new)).search(iterations=iterations, results=results, tell=tell)


def read_strangers(path: Path) -> pd.DataFrame:
    """Reads the table; empty where there is none."""
    columns = ["iterations", "difference", "relative", "significant"]
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=columns)


def write_strangers(folders: Iterable[Path], path: Path) -> None:
    """Writes the table at `path` and a page beside it, a row a search, from the results folders of these searches.

    What ships stands in a folder beside them, a file a search.
    """
    searches = [search for folder in folders for search in read_searches(folder)]
    searches.sort(key=lambda search: search.iterations)
    table = pd.DataFrame([_facts(search, path.parent) for search in searches])
    p = p_values(*(table[name].to_numpy(dtype=float) for name in ("difference", "low", "high", "clips")))
    table["significant"] = holm(p) < 1 - COVERAGE
    write_table(table, path)
    for search, voice in zip(searches, table["voice"], strict=True):
        name = f"{voice.replace('/', '-')}-{search.iterations}.json"
        copy(search.result.folder / "schedule.json", path.with_suffix("") / name)
    rows = [_row(*both) for both in zip(searches, table.to_dict("records"), strict=True)]
    atomic_write(path.with_suffix(".md"), f"{HOW}\n\n{markdown_table(HEAD, rows)}\n".encode())


def _facts(search: Search, shipped: Path) -> dict[str, object]:
    verdict, facts = search.result.verdict, search.result.facts
    voice = f"{facts['dataset'].removesuffix(AS_NEW)}/{facts['sample_rate']}hz"
    difference = verdict["difference"] or dict.fromkeys(("mean", "low", "high"), math.nan)
    return {
        "voice": voice,
        "iterations": search.iterations,
        "rival": facts["baseline"],
        "metric": facts["objective"],
        "searched": verdict["winner"]["mean"],
        "unsearched": verdict["baseline"]["mean"] or math.nan,  # null where a clip failed
        "difference": difference["mean"],
        "low": difference["low"],
        "high": difference["high"],
        "relative": difference["mean"] / (verdict["baseline"]["mean"] or math.nan),
        "clips": verdict["winner"]["clips"],
        "improves": search.result.improves,
        "candidates": facts["candidates"],
        "own_search": _own_search(shipped / voice / f"{search.iterations}iters", facts["checkpoint_hash"]),
    }


def _own_search(folder: Path, weights: str) -> float:
    """Returns the held-out score of what a shipped search found. NaN if it has none, or one of other weights."""
    result = read_result(folder) if (folder / "run.json").is_file() else None
    if result is None or result.facts["checkpoint_hash"] != weights:
        return math.nan
    return float(result.verdict["winner"]["mean"])


def _row(search: Search, facts: dict[Any, Any]) -> list[str]:
    compared = f"{interval(search.result.verdict, 3)}{' *' if facts['significant'] else ''}"
    others = [interval(search.rows[name], 3) if name in search.rows else "" for name in ("pesq", mos.NAME)]
    ships = "searched" if facts["improves"] else facts["rival"]
    place = (facts["voice"], str(facts["iterations"]), facts["rival"])
    rival, own = (f"{score:.3f}".replace("nan", "") for score in (facts["unsearched"], facts["own_search"]))
    return [*place, rival, compared, percent(facts["relative"]), *others, ships, str(facts["candidates"]), own]
