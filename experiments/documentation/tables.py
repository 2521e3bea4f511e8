"""Prints a table of README and docs from committed files: `python -m experiments.documentation.tables NAME`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.documentation.values import read, written
from experiments.reproduce.renewal import kept_lengths
from experiments.shipped_searches import read_searches
from schedsearch.formatting import markdown_table
from schedsearch.metrics.catalogue import catalogue
from schedsearch.schedules.named import universal_schedules
from schedsearch.transfer.files import PAGE
from schedsearch.transfer.loss_tables import ends
from schedsearch.transfer.matrix_files import MATRIX
from schedsearch.transfer.overview import decisive
from schedsearch.transfer.relations import BASELINE, STRANGERS, UNIVERSAL

SHIPPED = Path("results/shipped")
WIDE_BAND = 16_000  # Hz
VOICE = ["dataset", "rate"]
AROUND = (98_000, 100_000, 102_000, 108_000, 114_000)  # demo's training steps, before and after it began again


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table that is named."""
    parser = argparse.ArgumentParser(prog="tables", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("table", choices=TABLES)
    print(TABLES[parser.parse_args(arguments).table]())
    return 0


def take_one() -> str:
    """Writes a row a universal schedule: what it gains over the published one, and costs beside a search."""
    head = ["steps", "file", "PESQ gain over ivanvovk's published one", "loss beside each voice's own search"]
    rows, kept = [], kept_lengths(SHIPPED / "transfer")
    for name in universal_schedules():
        steps = int(name.rpartition("-")[2])
        if not (path := SHIPPED / "transfer" / MATRIX.format(steps)).is_file():
            continue  # not judged with today's weights
        matrix = read(str(path))
        low, high = pesq_gain(matrix, name, f"ivanvovk-{steps}")
        file = f"[`{name}.pt`](results/shipped/transfer/{name}.pt)"
        rows.append([steps, file, f"{written(low, '+.2f')} to {written(high, '+.2f')}", cost(matrix, steps in kept)])
    return markdown_table(head, rows)


def pesq_gain(matrix: pd.DataFrame, name: str, rival: str) -> tuple[float, float]:
    """Returns the least and the largest difference of mean PESQ over voices."""
    pesq = matrix[matrix["metric"].str.startswith("pesq")].pivot_table(index=VOICE, columns="schedule", values="mean")
    gain = pesq[name] - pesq[rival]
    return float(gain.min()), float(gain.max())


def cost(matrix: pd.DataFrame, kept: bool = False) -> str:
    """Says what a universal schedule costs in the worst case: what is chosen without the judging speaker.

    Where an earlier file was `kept`, that one comes after it: all speakers had a part in it.
    """
    rows = decisive(matrix)
    strangers = rows[rows["relation"] == STRANGERS]
    told = f"{_most(strangers)} (interval to {written(ends(strangers)['most'].max(), '.1%')})"
    own = _most(rows[rows["relation"] == UNIVERSAL])
    return f"{told}; this file {own}, but these speakers helped to choose it" if kept else told


def _most(rows: pd.DataFrame) -> str:
    return f"at most {written(max(0.0, rows['relative_loss'].max()), '.1%')}"


def in_short() -> str:
    """Writes the answer's short table: the largest loss of each choice of a schedule, a column a length."""
    matrix = decisive(read("results/shipped/transfer/matrix-*.csv"))
    takes = {
        "another speaker's searched schedule": matrix["relation"].str.startswith("other speaker"),
        "a universal schedule, chosen without this speaker": matrix["relation"] == STRANGERS,
        "the baseline that is best for this voice, if you knew it*": _best_baselines(matrix),
        "ivanvovk's published schedule": matrix["schedule"].str.startswith("ivanvovk-"),
    }
    lengths = sorted(matrix["iterations"].unique())
    rows = [
        [name, *(written(matrix[chosen & (matrix["iterations"] == n)]["relative_loss"].max(), "+.1%") for n in lengths)]
        for name, chosen in takes.items()
    ]
    return markdown_table(["you take", *(f"{n} steps" for n in lengths)], rows)


def _best_baselines(matrix: pd.DataFrame) -> pd.Series:
    baselines = matrix[matrix["relation"] == BASELINE].reset_index()
    best = baselines.loc[baselines.groupby([*VOICE, "iterations"])["relative_loss"].idxmin(), "index"]
    return matrix.index.isin(best) & (matrix["relation"] == BASELINE)


def lengths() -> str:
    """Links the transfer's page of each length that was judged."""
    judged = sorted(read("results/shipped/transfer/matrix-*.csv")["iterations"].unique())
    return ", ".join(f"[{n} steps](../{SHIPPED}/transfer/{PAGE.format(n)})" for n in judged)


def boundary() -> str:
    """Writes what went on when demo's training began again from averaged weights: a column a step."""
    learned = pd.read_csv("experiments/demo/16000hz/learning.csv").set_index("step").loc[list(AROUND)]
    bands = [column for column in learned if column.startswith("error ")]
    names = {band: band.replace("error", "error at log-SNR") for band in bands} | {"error mean": "mean of all bands"}
    shown = [*bands[::3], "error mean", "pesq_wb 12", "pesq_wb 50"]
    rows = [[names.get(column, f"{column} steps"), *(f"{value:.3f}" for value in learned[column])] for column in shown]
    return markdown_table(["six held-out clips", *(f"{step:,} steps" for step in AROUND)], rows)


def voices() -> str:
    """Writes a row a voice: its training, its PESQ, and Griffin-Lim's on the same mels."""
    rows = []
    for path in sorted(Path("experiments").glob("*/*hz/learning.csv")):
        dataset, rate = path.parts[1], path.parts[2]
        last = pd.read_csv(path).iloc[-1]
        pesq = [last[column] for column in last.index if column.startswith("pesq")]
        lengths = ", ".join(f"{value:.2f}" for value in pesq)
        rows.append([f"`{dataset}`", rate.replace("hz", " Hz"), f"{last['step']:,.0f}", f"{last['hours']:.1f}",
                     lengths, _griffin_lim(dataset, rate)])  # fmt: skip
    head = ["voice", "rate", "training steps", "hours", "PESQ in 6, 12, 50 steps", "Griffin-Lim's PESQ"]
    return markdown_table(head, rows)


def _griffin_lim(dataset: str, rate: str) -> str:
    table = SHIPPED / dataset / rate / "voice.csv"
    if not table.is_file():
        return ""
    row = pd.read_csv(table).set_index("method").loc["Griffin-Lim 32"]
    return f"{row[next(column for column in row.index if column.startswith('pesq') and column.endswith('mean'))]:.2f}"


def grids() -> str:
    """Writes what the engine's bench found on held-out clips: the search's winner beside grids and baselines."""
    table = read("results/shipped/demo/16000hz/search/spectral_pesq/held_out.csv")
    rows = table[table["metric"].str.startswith("spectral_pesq")].sort_values(["iterations", "difference"])
    lines = [
        [row.iterations, row.rival, *(written(x, "+.3f") for x in (row.difference, row.low, row.high)), row.verdict]
        for row in rows.itertuples()
    ]
    return markdown_table(["steps", "rival", "winner minus rival", "95 % from", "to", "the winner is"], lines)


def metrics() -> str:
    """Writes a row a metric at 16 kHz."""
    better = {"minimize": "lower", "maximize": "higher"}
    rows = [
        [f"`{d.name}`", d.unit, better[d.direction] if d.ranks else "neither", d.summary] for d in catalogue(WIDE_BAND)
    ]
    return markdown_table(["metric", "unit", "better", "what it is"], rows)


def winners() -> str:
    """Writes a row a shipped search: what ships, its score, and the files' folder."""
    rows = []
    for search in read_searches(SHIPPED):
        score, folder = search.result.verdict[search.side], search.result.folder.relative_to(SHIPPED)
        ships = "searched" if search.result.improves else search.result.facts["baseline"]
        rows.append([f"[{folder}]({folder})", ships, f"{score['mean']:.2f} ± {score['se']:.2f}"])
    return markdown_table(["folder", "ships", "score on held-out clips (lower is better)"], rows)


TABLES = {"take-one": take_one, "in-short": in_short, "lengths": lengths, "boundary": boundary, "voices": voices,
          "grids": grids, "metrics": metrics, "winners": winners}  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(main())
