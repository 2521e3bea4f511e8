"""Which pictures stand on a page: those that a search left in its folder, what quality costs, and spectrograms."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from schedsearch.report.page.content import SVG, Picture
from schedsearch.report.pictures.compared import Compared, compared
from schedsearch.report.pictures.lengths import most_lengths
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.quality import Rated, quality_against_iterations, quality_against_speed
from schedsearch.report.pictures.quantity import Quantity
from schedsearch.report.pictures.spectrograms import spectrograms
from schedsearch.report.pictures.svg import svg
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
    """Those in `folder`, in the order of the page."""
    found = [(folder / name, *texts) for name, texts in _CAPTIONS.items()]
    return [Picture(caption, alt, path.read_bytes()) for path, caption, alt in found if path.is_file()]


def drawn_small(store: Store, verdict: Verdict) -> list[Picture]:
    """The same, drawn anew to take little room in a repository."""
    drawn = run_pictures(store, verdict)
    return [Picture(caption, alt, svg(drawn[name]), SVG) for name, (caption, alt) in _CAPTIONS.items()]


def of_dataset(
    voice: Path, table: Path, checkpoints: Collection[str], draw: Draw = png
) -> tuple[list[Picture], list[str]]:
    """What quality costs in steps and in time, and what is to be said of that.

    Against the number of steps it is drawn from what the searches below `voice` wrote, results/<dataset>/<rate>hz, or
    where no two of them compare from `table`, the comparison.csv beside them, which alone knows the speed.
    """
    of_table, notes = _of_comparison(table, checkpoints)
    of_runs = most_lengths(voice)
    if of_runs is not None:
        caption = "Quality against the number of steps, of the lengths that can be compared."
        speed = [_against_speed(found, draw) for found in of_table]
        return [_against_iterations(caption, *of_runs, draw), *speed], notes
    caption = f"Quality against the number of steps: {_FROM_TABLE}"
    several = (found for found in of_table if len(found.lengths) > 1)
    steps = [_against_iterations(caption, found.quantity, found.series, draw) for found in several]
    return [*steps, *(_against_speed(found, draw) for found in of_table)], notes


def _of_comparison(table: Path, checkpoints: Collection[str]) -> tuple[list[Compared], list[str]]:
    """Nothing where there is no table, or one of other weights or of earlier winners than those that stand beside it;
    and why."""
    found, again = compared(table), "make compare measures it"
    if found is None or not found.series:
        return [], [f"Speed is not on this page: {again}."]
    if not any(checkpoint.startswith(found.checkpoint) for checkpoint in checkpoints):
        return [], [f"Speed is not on this page: {table.name} is of another checkpoint; {again} anew."]
    if _outdated(found, table.parent):
        return [], [f"Speed is not on this page: {table.name} lacks a schedule that a search ships; {again} anew."]
    return [found], []


def _against_iterations(
    caption: str, measured: Quantity, series: Mapping[str, Sequence[Rated]], draw: Draw
) -> Picture:
    alt = "Held-out scores with 95 % intervals for each length, a line for each kind of schedule."
    return Picture(caption, alt, draw(quality_against_iterations(measured, series)))


def _against_speed(found: Compared, draw: Draw) -> Picture:
    alt = "Held-out scores against the real-time factor, and the line of those that nothing faster beats."
    figure = quality_against_speed(found.quantity, found.series, found.machine)
    return Picture(f"Quality against speed: {_FROM_TABLE}", alt, draw(figure))


def _outdated(found: Compared, voice: Path) -> bool:
    ships = [read_schedule(path) for path in sorted(voice.glob("*iters/schedule.json"))]
    return any(not found.has_winner(schedule) for schedule in ships if len(schedule) in found.lengths)


def spectrogram_of(name: str, heard: Sequence[Heard], sample_rate: int, draw: Draw = png) -> list[Picture]:
    """Of one clip, the reference first in `heard`; nothing where one of them failed there."""
    tracks = {system.label: system.audio[0] for system in heard}
    sound = {label: audio.numpy() for label, audio in tracks.items() if audio is not None}
    if len(sound) < len(tracks):
        return []
    reference, *_ = sound
    figure = spectrograms(sound.pop(reference), sound, sample_rate)
    alt = "Spectrograms of the recording and of each synthesis, and the difference of each to the recording in dB."
    return [Picture(f"Spectrograms of {name}.", alt, draw(figure))]
