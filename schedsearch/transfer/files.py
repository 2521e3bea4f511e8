"""Writes a transfer's files: each length's matrix, page, heat map and curves; transfer.md; universal schedules."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from schedsearch.comparison.table import write_table
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.schedules import schedules
from schedsearch.schedules.files import remove_every_layout, write_every_layout
from schedsearch.transfer.heat_map import heat_map
from schedsearch.transfer.length_page import length_page
from schedsearch.transfer.matrix import Cell, cells, table
from schedsearch.transfer.matrix_files import MATRIX, matrices, read_matrices
from schedsearch.transfer.overview import overview
from schedsearch.transfer.tournament import Tournament
from schedsearch.transfer.universal import provenance, read_universal, write_universal
from schedsearch.voice.opened import make_writable
from vocoder.atomic import atomic_write

PAGE, OVERVIEW, UNIVERSAL = "transfer-{}.md", "transfer.md", "universal.json"


def stored_matrices(tournament: Tournament) -> pd.DataFrame:
    """Reads the folder's rows of other lengths; call it before hours of work: InputError where a file is damaged."""
    read_universal(tournament.folder / UNIVERSAL)
    return read_matrices(matrices(tournament.folder, without=tournament.lengths))


def write_all(tournament: Tournament, others: pd.DataFrame) -> tuple[list[Path], str]:
    """Writes all files after `judging`; returns their paths and the text of transfer.md.

    `others` are rows of other lengths, as `stored_matrices` returns them.
    """
    all_cells, folder = cells(tournament), tournament.folder
    matrix = table(all_cells, tournament)
    text = overview(pd.concat([others, matrix]) if len(others) else matrix, PAGE)
    draw = tournament.participants[0].voice.services.draw or png
    contents = {name: draw(figure) for name, figure in pictures(tournament, all_cells).items()}
    for n in tournament.lengths:
        of_length = [cell for cell in all_cells if len(cell.entrant.schedule) == n]
        contents[PAGE.format(n)] = length_page(tournament, of_length, n).encode()
    make_writable(folder)
    tables = {MATRIX.format(n): matrix[matrix["iterations"] == n] for n in tournament.lengths}
    for name, rows in tables.items():
        write_table(rows, folder / name)
    for name, content in {**contents, OVERVIEW: text.encode()}.items():
        atomic_write(folder / name, content)
    write_universal(tournament.choices, folder / UNIVERSAL, tournament.lengths)
    for n in tournament.lengths:
        stem, choice = folder / f"universal-{n}", tournament.choices.get(n)
        if choice is None:
            remove_every_layout(stem)
        else:
            write_every_layout(choice.candidate.schedule, stem, provenance(choice))
    return [folder / name for name in (*tables, *contents, OVERVIEW, UNIVERSAL)], text


def pictures(tournament: Tournament, all_cells: list[Cell]) -> dict[str, Figure]:
    """Draws each length's heat map and its winners' curves, by file name."""
    figures = {}
    for n in tournament.lengths:
        of_length = [cell for cell in all_cells if cell.decisive and len(cell.entrant.schedule) == n]
        figures[f"transfer-{n}.png"] = heat_map(of_length, tournament.settings.objective, n)
        first, *others = (j.winners[n] for j in tournament.participants if n in j.winners)
        figures[f"winners-{n}.png"] = schedules((first.name, first.schedule), {w.name: w.schedule for w in others})
    return figures
