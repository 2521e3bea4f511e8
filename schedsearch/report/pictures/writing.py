"""The pictures of a run, as files."""

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
from schedsearch.report.pictures.quantity import quantity
from schedsearch.report.pictures.schedules import schedules
from schedsearch.search.verdict import Verdict
from schedsearch.study.store import Store
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

Draw: TypeAlias = Callable[[Figure], bytes]  # instead of png


def write_pictures(store: Store, verdict: Verdict, folder: Path, draw: Draw | None = None) -> list[Path]:
    """schedules.png, convergence.png and held_out.png in `folder`, which is made; InputError where it can't be."""
    return _write(run_pictures(store, verdict), folder, draw)


def write_length_pictures(newest: Path, folder: Path, draw: Draw | None = None) -> list[Path]:
    """iterations.png in `folder`: the lengths that compare with the run in `newest`; nothing for less than two."""
    found = rated_lengths(newest)
    if found is None:
        return []
    measured, series = found
    return _write({"iterations.png": quality_against_iterations(measured, series)}, folder, draw)


def write_comparison_picture(table: Path, draw: Draw | None = None) -> Path | None:
    """Quality against speed as a PNG beside comparison.csv and of its name; None where no schedule can be drawn, and
    then an earlier picture goes: it would be of another table."""
    found, path = compared(table), table.with_suffix(".png")
    if found is None or not found.series:
        path.unlink(missing_ok=True)
        return None
    figure = quality_against_speed(found.quantity, found.series, found.machine)
    atomic_write(path, (draw or png)(figure))
    return path


def run_pictures(store: Store, verdict: Verdict) -> dict[str, Figure]:
    """Returns the pictures by file name, without those that need audio or several lengths."""
    rate = store.study.user_attrs["identity"]["sample_rate"]
    objective = quantity(store.objective, rate, store.objectives[store.objective])
    winner, baseline = verdict.winner, verdict.baseline
    finalists = [c for c in verdict.finalists if c.kind == "baseline"]
    baselines = {c.name: c.schedule for c in (*finalists, *verdict.other_baselines)}
    compared = next(c for c in verdict.comparisons if c.metric == verdict.objective)
    return {
        "schedules.png": schedules((f"searched: {winner.name}", winner.schedule), baselines),
        "convergence.png": convergence(
            store.candidates(), store.baselines(), objective, winner=winner.name, other_evaluations=store.work()[1]
        ),
        "held_out.png": held_out_differences(compared, objective, winner=winner.name, baseline=baseline.name),
    }


def _write(pictures: Mapping[str, Figure], folder: Path, draw: Draw | None) -> list[Path]:
    """Drawn first, all of them: a picture that fails leaves nothing behind."""
    drawn = {folder / name: (draw or png)(figure) for name, figure in pictures.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}; move away what stands there") from error
    for path, content in drawn.items():
        atomic_write(path, content)
    return list(drawn)
