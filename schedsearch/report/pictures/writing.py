"""Writes the pictures of a run."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from matplotlib.figure import Figure

from schedsearch.report.pictures.compared import compared
from schedsearch.report.pictures.convergence import convergence
from schedsearch.report.pictures.differences import held_out_differences
from schedsearch.report.pictures.lengths import rated_lengths
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.quality import quality_against_iterations, quality_against_speed
from schedsearch.report.pictures.quantity import Quantity
from schedsearch.report.pictures.schedules import schedules
from schedsearch.report.titles import title
from schedsearch.search.heard import FIRST_ROUND, heard
from schedsearch.search.verdict import Verdict
from schedsearch.study.store import Store
from vocoder.atomic import atomic_write, make_folder

Draw: TypeAlias = Callable[[Figure], bytes]  # instead of png


def write_pictures(store: Store, verdict: Verdict, folder: Path, draw: Draw | None = None) -> list[Path]:
    """Writes schedules.png, convergence.png and held_out.png. InputError if the folder cannot be made."""
    return _write(run_pictures(store, verdict), folder, draw)


def write_length_pictures(newest: Path, folder: Path, draw: Draw | None = None) -> list[Path]:
    """Writes iterations.png of the lengths that compare with the run in `newest`.

    For fewer than two writes nothing and deletes an earlier picture, which would be of other lengths.
    """
    lengths = rated_lengths(newest)
    if lengths is None:
        (folder / "iterations.png").unlink(missing_ok=True)
        return []
    measured, series = lengths
    return _write({"iterations.png": quality_against_iterations(measured, series)}, folder, draw)


def write_comparison_picture(table: Path, draw: Draw | None = None) -> Path | None:
    """Writes quality against speed beside comparison.csv.

    If no schedule can be drawn, returns None and deletes an earlier picture, which would be of another table.
    """
    comparison, path = compared(table), table.with_suffix(".png")
    if comparison is None or not comparison.series:
        path.unlink(missing_ok=True)
        return None
    figure = quality_against_speed(comparison.quantity, comparison.series, comparison.machine)
    atomic_write(path, (draw or png)(figure))
    return path


def run_pictures(store: Store, verdict: Verdict) -> dict[str, Figure]:
    """Returns the pictures by file name, without those that need audio or several lengths."""
    main, *_ = verdict.comparisons
    objective = Quantity(store.objective, main.unit, store.objectives[store.objective])
    winner, baseline = verdict.winner, verdict.baseline
    name = title(winner, verdict)
    finalists = [c for c in verdict.finalists if c.kind == "baseline"]
    baselines = {c.name: c.schedule for c in (*finalists, *verdict.other_baselines)}
    pair = heard(store, FIRST_ROUND).scored.estimates.pair
    return {
        "schedules.png": schedules((name, winner.schedule), baselines),
        "convergence.png": convergence(
            store.candidates(),
            store.baselines(),
            objective,
            winner=winner,
            pair=pair,
            other_evaluations=store.work()[1],
        ),
        "held_out.png": held_out_differences(main, objective, winner=name, baseline=baseline.name),
    }


def _write(pictures: Mapping[str, Figure], folder: Path, draw: Draw | None) -> list[Path]:
    """Draws all pictures before it writes the first: a picture that fails leaves nothing behind."""
    drawn = {folder / name: (draw or png)(figure) for name, figure in pictures.items()}
    make_folder(folder)
    for path, content in drawn.items():
        atomic_write(path, content)
    return list(drawn)
