"""What a transfer leaves: of each length matrix, words, heat map and curves; transfer.md; universal schedules."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from schedsearch.comparison.table import write_table
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.schedules import schedules
from schedsearch.schedules.files import Layout, write_schedule
from schedsearch.transfer import prediction
from schedsearch.transfer.exchange import Exchange
from schedsearch.transfer.heat_map import heat_map
from schedsearch.transfer.joined import MATRIX, matrices, read_matrices
from schedsearch.transfer.matrix import Cell, cells, table
from schedsearch.transfer.prediction import pairs
from schedsearch.transfer.sentences import report
from schedsearch.transfer.summary import overview
from schedsearch.transfer.universal import Choice, provenance, read_universal, write_universal
from schedsearch.voice.opened import make_writable
from vocoder.atomic import atomic_write

PREDICTION, WORDS, OVERVIEW, UNIVERSAL = "prediction-{}.csv", "transfer-{}.md", "transfer.md", "universal.json"
LAYOUTS = {".pt": Layout.IVANVOVK, ".lmnt.npy": Layout.LMNT, ".coqui.npy": Layout.COQUI}  # beside universal.json


def standing(exchange: Exchange) -> pd.DataFrame:
    """What the folder holds of other lengths; InputError where it is damaged: to be asked before hours of work."""
    read_universal(exchange.folder / UNIVERSAL)
    return read_matrices(matrices(exchange.folder, without=exchange.lengths))


def write_all(exchange: Exchange, others: pd.DataFrame) -> tuple[list[Path], str]:
    """All files of the results folder, and what its transfer.md says; after `judging`. `others`: see `standing`."""
    found, folder = cells(exchange), exchange.folder
    matrix, predicted = table(found, exchange), pairs(exchange, found)
    told = overview(pd.concat([others, matrix]) if len(others) else matrix, WORDS)
    draw = exchange.judges[0].voice.services.draw or png
    contents = {name: draw(figure) for name, figure in pictures(exchange, found).items()}
    for n in exchange.lengths:
        of_length = [cell for cell in found if len(cell.entrant.schedule) == n]
        contents[WORDS.format(n)] = report(exchange, of_length, predicted, n).encode()
    make_writable(folder)
    tables = {}
    for n in exchange.lengths:
        tables[MATRIX.format(n)] = matrix[matrix["iterations"] == n]
        tables[PREDICTION.format(n)] = prediction.table([p for p in predicted if len(p.cell.entrant.schedule) == n])
    for name, rows in tables.items():
        write_table(rows, folder / name)
    for name, content in {**contents, OVERVIEW: told.encode()}.items():
        atomic_write(folder / name, content)
    write_universal(exchange.choices, folder / UNIVERSAL)
    for n, choice in exchange.choices.items():
        _write_schedules(choice, folder / f"universal-{n}")
    return [folder / name for name in (*tables, *contents, OVERVIEW, UNIVERSAL)], told


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
