"""Searches each voice as a stranger's would be: from the universal schedules and the winners of other speakers.

The shipped searches know neither, or one voice's winner would be made from another's. A user's search knows both, and
has the universal schedule to beat.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from experiments.reproduce.transfer import copy_winners
from experiments.shipped_searches import Search, interval, minutes, read_searches
from schedsearch.api import OpenVoice
from schedsearch.evaluation.bootstrap import COVERAGE
from schedsearch.evaluation.multiple import holm, p_values
from schedsearch.formatting import markdown_table, percent
from schedsearch.search.loop import Progress
from schedsearch.voice.config import Voice
from schedsearch.voice.opened import open_vocoder
from vocoder.atomic import atomic_write

AS_NEW = "-as-new"
HEAD = ["voice", "steps", "best without a search", "searched minus that", "part of its score", "ships", "minutes"]
HOW = """# What a search adds on a new voice

Each voice was searched as if it were new, with seed 0. As for every user's voice, the universal schedules were among
the baselines, and what ships for other speakers among the warm starts; its own winners were not. Earlier weights of
these speakers had a part in choosing the universal schedules, which favours those.

The searched schedule beside the baseline that was best on the search clips, by the objective on whole held-out clips;
below zero the searched one is better. Intervals are of 95 %, over clips; * marks those that exclude zero after Holm's
correction for all rows. Where the searched one is not better, the baseline ships. Minutes are what all processes of a
search together took to score its candidates."""


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


def write_strangers(folders: Iterable[Path], path: Path) -> None:
    """Writes `path`.md, a row a search, from the results folders of these searches."""
    searches = [search for folder in folders for search in read_searches(folder)]
    marks = np.where(_significant(searches), " *", "")
    rows = [_row(search, mark) for search, mark in zip(searches, marks, strict=True)]
    rows.sort(key=lambda row: int(row[1]))
    atomic_write(path.with_suffix(".md"), f"{HOW}\n\n{markdown_table(HEAD, rows)}\n".encode())


def _row(search: Search, mark: str) -> list[str]:
    verdict, facts = search.result.verdict, search.result.facts
    part = verdict["difference"]["mean"] / verdict["baseline"]["mean"]
    voice, ships = search.voice.replace(AS_NEW, ""), "searched" if search.result.improves else facts["baseline"]
    compared = f"{interval(verdict, 3)}{mark}"
    return [voice, str(search.iterations), facts["baseline"], compared, percent(part), ships, f"{minutes(search):.0f}"]


def _significant(searches: Iterable[Search]) -> np.ndarray:
    """Says of each search whether its interval excludes zero after Holm's correction for all of them."""
    verdicts = [search.result.verdict for search in searches]
    mean, low, high = (np.array([v["difference"][key] for v in verdicts]) for key in ("mean", "low", "high"))
    clips = np.array([v["winner"]["clips"] for v in verdicts])
    return holm(p_values(mean, low, high, clips)) < 1 - COVERAGE
