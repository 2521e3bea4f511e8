"""Renders the listening clips and writes the pages."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from schedsearch.report.page.content import Listening
from schedsearch.report.page.dataset_page import dataset_page, lengths
from schedsearch.report.page.document import write_page, write_small_page
from schedsearch.report.page.players import listening
from schedsearch.report.page.run_page import run_page
from schedsearch.report.page_pictures import drawn_small, left_behind, of_dataset, spectrogram_of
from schedsearch.report.pictures.png import png
from schedsearch.report.progress import show as show_bar
from schedsearch.report.rendering import (
    LISTENING_CLIPS,
    Heard,
    Kept,
    Renderer,
    affordable_long,
    long_system,
    of_verdict,
    renderer_of,
)
from schedsearch.search.loop import Progress
from schedsearch.search.network_limit import LENGTHS
from schedsearch.search.run import Run
from schedsearch.search.verdict import Verdict
from schedsearch.voice.config import Voice

PAGE, SMALL_PAGE, PICTURES, COMPARISON = "report.html", "report.small.html", "pictures", "comparison.csv"
Show: TypeAlias = Callable[[str, Iterator[Progress]], object]  # runs the steps of a named stage


def _show_bar(stage: str, steps: Iterator[Progress]) -> None:
    show_bar(stage, ((progress.done, "") for progress in steps))


def write_run_page(
    run: Run,
    verdict: Verdict,
    *,
    clips: int = LISTENING_CLIPS,
    long_seconds: float | None = None,
    show: Show = _show_bar,
    kept: Kept | None = None,
) -> Path:
    """Writes report.html of one run. What is in `kept` is not sampled again.

    Beside winner and baseline one hears the training schedule, in as many steps as `long_seconds` allow, or without
    `long_seconds` as it was rendered before. `show` runs the rendering instead of a bar on the terminal.
    """
    pictures, players = left_behind(run.folder / PICTURES), Listening()
    if clips:
        names, heard = _heard(run, verdict, renderer_of(run, clips, kept or {}), long_seconds, show)
        rate = run.vocoder.sample_rate
        pictures += spectrogram_of(names[0], heard, rate, run.voice.services.draw or png)
        players = listening(names, heard, rate)
    path = run.folder / PAGE
    write_page(run_page(run, verdict, listening=players, pictures=pictures), path)
    return path


def write_small_run_page(run: Run, verdict: Verdict) -> Path:
    """Writes report.small.html of one run, without audio."""
    path = run.folder / SMALL_PAGE
    write_small_page(run_page(run, verdict, listening=Listening(), pictures=drawn_small(run.store, verdict)), path)
    return path


def write_dataset_page(voice: Voice, results: Path, *, small: bool = False) -> Path:
    """Writes report.html (or report.small.html) of all lengths of a dataset at one rate, with links to their pages."""
    folder = results / voice.label
    name = SMALL_PAGE if small else PAGE
    runs = lengths(folder, name)
    checkpoints = {str(length.identity.get("checkpoint")) for length in runs}
    pictures, notes = of_dataset(folder, folder / COMPARISON, checkpoints, voice.services.draw or png)
    title = f"{voice.dataset}, {voice.sample_rate} Hz: schedsearch"
    page = dataset_page(title, runs, pictures=pictures, notes=notes)
    (write_small_page if small else write_page)(page, folder / name)
    return folder / name


def _heard(
    run: Run, verdict: Verdict, renderer: Renderer, long_seconds: float | None, show: Show
) -> tuple[list[str], list[Heard]]:
    """Renders what is missing; returns the clips' names and their audio, the reference first."""
    systems = of_verdict(verdict)
    renderer.drop_others([*systems, *(long_system(steps) for steps in LENGTHS)])
    if long := affordable_long(renderer, run.settings.iterations, long_seconds):
        systems.append(long)
    for system in systems:
        if renderer.missing(system):
            show(f"to hear: {system.key}", renderer.render(system))
    return [clip.name for clip in renderer.clips], [renderer.reference, *map(renderer.heard, systems)]
