"""What a transfer leaves: matrix.csv, a heat map and the winners' curves a length, transfer.md, universal schedules."""

from pathlib import Path

from matplotlib.figure import Figure

from schedsearch.comparison.table import write_table
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.schedules import schedules
from schedsearch.run import make_writable
from schedsearch.schedule_files import Layout, write_schedule
from schedsearch.transfer import prediction
from schedsearch.transfer.exchange import Exchange
from schedsearch.transfer.heat_map import heat_map
from schedsearch.transfer.matrix import Cell, cells, table
from schedsearch.transfer.prediction import pairs
from schedsearch.transfer.sentences import report
from schedsearch.transfer.summary import summary
from schedsearch.transfer.universal import Choice, provenance, write_universal
from vocoder.atomic import atomic_write

MATRIX, PREDICTION, WORDS, UNIVERSAL = "matrix.csv", "prediction.csv", "transfer.md", "universal.json"
LAYOUTS = {".pt": Layout.IVANVOVK, ".lmnt.npy": Layout.LMNT, ".coqui.npy": Layout.COQUI}  # beside universal.json


def write_all(exchange: Exchange) -> tuple[list[Path], str]:
    """All files of the results folder, and what transfer.md says; after `judging`."""
    found, folder = cells(exchange), exchange.folder
    predicted = pairs(exchange, found)
    matrix = table(found, exchange)
    words = report(exchange, found, predicted, summary(matrix))
    drawn = {name: png(figure) for name, figure in pictures(exchange, found).items()}
    make_writable(folder)
    write_table(matrix, folder / MATRIX)
    write_table(prediction.table(predicted), folder / PREDICTION)
    atomic_write(folder / WORDS, words.encode())
    for name, content in drawn.items():
        atomic_write(folder / name, content)
    write_universal(exchange.choices, folder / UNIVERSAL)
    for n, choice in exchange.choices.items():
        _write_schedules(choice, folder / f"universal-{n}")
    return [folder / name for name in (MATRIX, PREDICTION, WORDS, *drawn, UNIVERSAL)], words


def pictures(exchange: Exchange, found: list[Cell]) -> dict[str, Figure]:
    """By file name: of each length what schedules cost, and the winners' curves."""
    drawn = {}
    for n in exchange.lengths:
        of_length = [cell for cell in found if cell.decisive and len(cell.entrant.schedule) == n]
        drawn[f"transfer-{n}.png"] = heat_map(of_length, exchange.settings.objective, n)
        first, *others = (j.winners[n] for j in exchange.judges if n in j.winners)
        drawn[f"winners-{n}.png"] = schedules((first.name, first.schedule), {w.name: w.schedule for w in others})
    return drawn


def _write_schedules(choice: Choice, path: Path) -> None:
    """One file a repository, and ours with its provenance."""
    for ending, layout in LAYOUTS.items():
        write_schedule(choice.offer.schedule, path.with_name(path.name + ending), layout=layout)
    told = provenance(choice)
    write_schedule(choice.offer.schedule, path.with_name(f"{path.name}.json"), layout=Layout.JSON, provenance=told)
