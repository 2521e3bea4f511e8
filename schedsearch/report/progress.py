"""Shows progress bars on the terminal, one for each stage."""

import time
from collections.abc import Callable, Iterable
from itertools import groupby

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from schedsearch.search.loop import Progress

_FORMAT = "{desc} {percentage:3.0f}% |{bar:20}| {elapsed}<{remaining} {postfix}"


def show(stage: str, steps: Iterable[tuple[float, str]]) -> None:
    """Runs the steps under one bar. A step yields the part that is done, 0 to 1, and a note beside the bar."""
    with _bar(stage) as bar:
        for done, note in steps:
            bar.n = round(100 * done)
            bar.set_postfix_str(note)
        bar.n = 100
        bar.refresh()


def show_stages(steps: Iterable[Progress], note: Callable[[Progress], str]) -> None:
    """Runs a search under one bar for each stage, with the note of each progress beside it.

    A stage's first progress comes after work that may have taken minutes, and only the first progress of the next
    stage ends it. So each bar counts its time from the last progress of the stage before to its own last.
    """
    last = time.time()
    for stage, stage_steps in groupby(steps, key=lambda progress: progress.stage):
        with logging_redirect_tqdm(), _bar(stage) as bar:  # messages get lines of their own
            bar.start_t = last
            for progress in stage_steps:
                bar.n, last = round(100 * progress.done), time.time()
                bar.set_postfix_str(note(progress))
            waited = time.time() - last
            bar.start_t += waited
            bar.last_print_t += waited


def _bar(stage: str) -> tqdm:
    return tqdm(total=100, desc=f"{stage:>14}", bar_format=_FORMAT)
