"""What borrowing costs at each length in one small table, from the rows of matrix.csv: several may be joined."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd

from schedsearch.markdown import markdown_table
from schedsearch.transfer.exchange import STRANGERS, UNIVERSAL
from schedsearch.transfer.matrix import BASELINE, OTHER, RATE, SAME

BORROWED = {
    OTHER: "another speaker's winner",
    RATE: "the same speaker's winner at another rate",
    SAME: "the winner of another checkpoint of the same speaker",
    UNIVERSAL: "the universal schedule",
    STRANGERS: "universal, chosen without the judge's speaker",
}
COMMON = "ivanvovk-{}"  # what is passed around as 6iters.pt, 12iters.pt, 25iters.pt


def summary(matrix: pd.DataFrame) -> str:
    """Rows of `schedsearch.transfer.matrix` -> a Markdown table, by each judge's objective: its first metric."""
    decisive = _decisive(matrix)
    if decisive.empty:
        return ""
    lengths = sorted(decisive["iterations"].unique())
    rows = [[name, *(told(decisive[decisive["iterations"] == n], n) for n in lengths)] for name, told in _rows()]
    head = ["what a voice takes", *(f"{n} steps" for n in lengths)]
    return markdown_table(head, [row for row in rows if any(row[1:])])


def _decisive(matrix: pd.DataFrame) -> pd.DataFrame:
    """Without the other metrics, and without judges that have no winner of their own to lose against."""
    judge = ["dataset", "rate", "checkpoint", "iterations"]
    first = matrix.groupby(judge, sort=False)["metric"].transform("first")
    native = matrix[matrix["relation"] == "native"].drop_duplicates([*judge, "metric"])
    found = matrix[matrix["metric"] == first].merge(
        native[[*judge, "metric", "mean"]], on=[*judge, "metric"], suffixes=("", "_native")
    )
    return found[found["direction"] != "neither"]


def _rows() -> Iterator[tuple[str, Callable[[pd.DataFrame, int], str]]]:
    for relation, name in BORROWED.items():
        yield name, partial(_of_relation, relation)
        if relation == OTHER:
            yield "... at most, by a tie's interval", _left_open
    yield "the best baseline of each voice, known after measuring", _best_of_each
    yield "the baseline that is best in its worst case", _best_at_worst
    yield COMMON.format("N"), _common


def _of_relation(relation: str, rows: pd.DataFrame, _: int) -> str:
    return _told(rows[rows["relation"] == relation])


def _common(rows: pd.DataFrame, n: int) -> str:
    return _told(rows[rows["schedule"] == COMMON.format(n)])


def _told(rows: pd.DataFrame) -> str:
    if rows.empty:
        return ""
    losses = rows["relative_loss"]
    if losses.isna().any():
        return f"failures on {losses.isna().sum()} of {len(losses)}"
    worse = f"{(rows['verdict'] == 'worse').sum()} of {len(rows)} worse"
    return f"{_percent(losses.median())}, at most {_percent(losses.max())}; {worse}"


def _left_open(rows: pd.DataFrame, _: int) -> str:
    """The largest loss inside the interval of a tie with another speaker's winner."""
    ties = rows[(rows["relation"] == OTHER) & (rows["verdict"] == "tie")]
    if ties.empty:
        return ""
    lower_is_better = ties["direction"] == "minimize"
    end = np.where(lower_is_better, ties["difference_high"], -ties["difference_low"])
    return _percent(float((end / ties["mean_native"].abs()).max()))


def _best_of_each(rows: pd.DataFrame, _: int) -> str:
    """Each judge's own: what a user gets who tries them all."""
    baselines = rows[(rows["relation"] == BASELINE) & rows["relative_loss"].notna()]
    return _told(baselines.sort_values("relative_loss").drop_duplicates(["dataset", "rate", "checkpoint"]))


def _best_at_worst(rows: pd.DataFrame, _: int) -> str:
    """The one that a user takes who tries none."""
    baselines = rows[rows["relation"] == BASELINE]
    if baselines.empty:
        return ""
    worst = baselines.groupby("schedule")["relative_loss"].agg(lambda losses: losses.max(skipna=False))
    if worst.isna().all():
        return "each has failures"
    name = str(worst.idxmin())
    return f"{name}: {_told(baselines[baselines['schedule'] == name])}"


def _percent(loss: float) -> str:
    return f"{100 * loss:+.1f} %".replace("-", "−")
