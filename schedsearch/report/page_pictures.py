"""Chooses the pictures of a page: a search's pictures, quality against cost, and spectrograms."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from schedsearch.report.page.content import SVG, Picture
from schedsearch.report.pictures.compared import Compared, compared
from schedsearch.report.pictures.lengths import length_folders, most_lengths
from schedsearch.report.pictures.png import svg
from schedsearch.report.pictures.quality import Rated, quality_against_iterations, quality_against_speed
from schedsearch.report.pictures.quantity import Quantity
from schedsearch.report.pictures.spectrograms import spectrograms
from schedsearch.report.pictures.writing import Draw, run_pictures
from schedsearch.report.rendering import Heard
from schedsearch.schedules.files import read_schedule
from schedsearch.search.verdict import Verdict
from schedsearch.study.store import Store

_CAPTIONS = {  # file: caption, alternative text
    "schedules.png": (
        "The schedules: log-SNR and betas, step 0 the cleanest.",
        "Two plots against the step: log-SNR and betas of the searched schedule and of the baselines.",
    ),
    "held_out.png": (
        "Held-out clips: searched minus baseline, clip by clip.",
        "A dot for each clip's difference in the objective, with the mean and its 95 % interval.",
    ),
    "convergence.png": (
        "The course of the search.",
        "The best score so far against network evaluations, candidates as dots, the best baseline as a line.",
    ),
}

_FROM_TABLE = "means with 95 % intervals from comparison.csv, whose clips may be shorter than those of the verdicts."


def left_behind(folder: Path) -> list[Picture]:
    """Returns the pictures that a search left in `folder`, in the order of the page."""
    files = [(folder / name, *texts) for name, texts in _CAPTIONS.items()]
    return [Picture(caption, alt, path.read_bytes()) for path, caption, alt in files if path.is_file()]


def drawn_small(store: Store, verdict: Verdict) -> list[Picture]:
    """Draws the pictures of a search as SVG, which takes little room in a repository."""
    drawn = run_pictures(store, verdict)
    return [Picture(caption, alt, svg(drawn[name]), SVG) for name, (caption, alt) in _CAPTIONS.items()]


def of_dataset(voice: Path, table: Path, checkpoints: Collection[str], draw: Draw) -> tuple[list[Picture], list[str]]:
    """Returns pictures of quality against steps and against speed, and notes on what is missing.

    Quality against steps is drawn from the searches below `voice`, results/<dataset>/<rate>hz. Where no two of them
    compare, it is drawn from `table`, their comparison.csv. Speed stands in that table alone.
    """
    comparison, notes = _of_comparison(table, checkpoints)
    speed = [_against_speed(comparison, draw)] if comparison else []
    of_runs = most_lengths(voice)
    if of_runs is not None:
        caption = "Quality against the number of steps, of the lengths that can be compared."
        return [_against_iterations(caption, *of_runs, draw), *speed], notes
    if comparison is None or len(comparison.lengths) < 2:
        return speed, notes
    caption = f"Quality against the number of steps: {_FROM_TABLE}"
    return [_against_iterations(caption, comparison.quantity, comparison.series, draw), *speed], notes


def _of_comparison(table: Path, checkpoints: Collection[str]) -> tuple[Compared | None, list[str]]:
    """Reads the table; None and the reason if it is missing, of other weights or without a schedule that ships."""
    comparison, again = compared(table), "make compare measures it"
    if comparison is None or not comparison.series:
        return None, [f"Speed is not on this page: {again}."]
    if not any(checkpoint.startswith(comparison.checkpoint) for checkpoint in checkpoints):
        return None, [f"Speed is not on this page: {table.name} is of another checkpoint; {again} anew."]
    if _is_outdated(comparison, table.parent):
        return None, [f"Speed is not on this page: {table.name} lacks a schedule that a search ships; {again} anew."]
    return comparison, []


def _against_iterations(caption: str, measured: Quantity, series: Mapping[str, Sequence[Rated]], draw: Draw) -> Picture:
    alt = "Held-out scores with 95 % intervals for each length, a line for each kind of schedule."
    return Picture(caption, alt, draw(quality_against_iterations(measured, series)))


def _against_speed(comparison: Compared, draw: Draw) -> Picture:
    alt = "Held-out scores against the real-time factor, and the line of those that nothing faster beats."
    figure = quality_against_speed(comparison.quantity, comparison.series, comparison.machine)
    return Picture(f"Quality against speed: {_FROM_TABLE}", alt, draw(figure))


def _is_outdated(comparison: Compared, voice: Path) -> bool:
    paths = (folder / "schedule.json" for folder in length_folders(voice).values())
    ships = [read_schedule(path) for path in paths if path.is_file()]
    return any(schedule.digest not in comparison.winners for schedule in ships if len(schedule) in comparison.lengths)


def spectrogram_of(name: str, heard: Sequence[Heard], sample_rate: int, draw: Draw) -> list[Picture]:
    """Draws the first clip, the reference first in `heard`. Returns nothing where a system failed on it."""
    tracks = {system.label: system.audio[0].numpy() for system in heard if system.audio[0] is not None}
    if len(tracks) < len(heard):
        return []
    reference, *_ = tracks
    figure = spectrograms(tracks.pop(reference), tracks, sample_rate)
    alt = "Spectrograms of the recording and of each synthesis, and the difference of each to the recording in dB."
    return [Picture(f"Spectrograms of {name}.", alt, draw(figure))]
