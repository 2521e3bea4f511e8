"""The larger tables of transfer.md: each metric alone, and each pair with its interval."""

import pandas as pd

from schedsearch.evaluation.bootstrap import COVERAGE
from schedsearch.evaluation.multiple import holm, p_values
from schedsearch.evaluation.paired import Outcome
from schedsearch.formatting import percent, table_by_length
from schedsearch.transfer.loss_grid import TOO_FEW
from schedsearch.transfer.relations import BORROWED, OTHERS

BANDS = {"pesq_wb": "pesq", "pesq_nb": "pesq", "spectral_pesq_wb": "spectral_pesq", "spectral_pesq_nb": "spectral_pesq"}


def by_metric(known: pd.DataFrame) -> str:
    """Counts other speakers' winners, a row a metric, in rows of a matrix whose judge has a winner."""
    borrowed = known[known["relation"].isin(OTHERS)]
    if borrowed.empty:
        return ""
    metrics = borrowed["metric"].replace(BANDS)  # each judge has the band of its rate
    cells = {key: _counted(rows) for key, rows in borrowed.groupby([metrics, "iterations"], sort=False)}
    return table_by_length("another speaker's winner by", cells)


def significant(decided: pd.DataFrame) -> pd.Series:
    """Says of each row whether its interval excludes zero after Holm's correction for all borrowed winners."""
    borrowed = decided[decided["relation"].isin(BORROWED)]
    return corrected(borrowed).reindex(decided.index, fill_value=False)


def corrected(rows: pd.DataFrame) -> pd.Series:
    """Says of each row of a matrix whether its interval excludes zero after Holm's correction for all these rows."""
    columns = ("difference", "difference_low", "difference_high", "pairs")
    p = p_values(*(rows[name].to_numpy(dtype=float) for name in columns))
    return pd.Series(holm(p) < 1 - COVERAGE, index=rows.index)


def pairs(decided: pd.DataFrame) -> str:
    """Writes a row a borrowed winner and its judge from `overview.decisive`; = marks ties, * what is significant."""
    borrowed = decided[decided["relation"].isin(BORROWED)]
    if borrowed.empty:
        return ""
    names = borrowed["schedule"] + " on " + borrowed["dataset"] + "/" + borrowed["rate"].astype(str) + "hz"
    cells = {key: _loss(rows.iloc[[0]]) for key, rows in borrowed.groupby([names, "iterations"])}
    return table_by_length("loss by the objective", cells)


def ends(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns the ends of each loss's interval, as parts of the native winner's mean, in columns least and most."""
    sign = rows["direction"].map({"minimize": 1.0, "maximize": -1.0})
    both = rows[["difference_low", "difference_high"]].mul(sign / rows["mean_native"].abs(), axis=0)
    return pd.DataFrame({"least": both.min(axis=1), "most": both.max(axis=1)})


def _counted(rows: pd.DataFrame) -> str:
    losses = rows["relative_loss"]
    worse, better = (int((rows["verdict"] == word).sum()) for word in ("worse", "better"))
    most = f"at most {percent(losses.max())}" if losses.notna().any() else ""
    return "; ".join(filter(None, [f"{worse} worse, {better} better of {len(rows)}", most, *unknown(rows)]))


def unknown(rows: pd.DataFrame) -> list[str]:
    """Counts the rows without a loss: those that fail more often than the native winner, and those of too few clips."""
    failing = int((rows["verdict"] == Outcome.FAILS_MORE).sum())
    few = int(rows["relative_loss"].isna().sum()) - failing
    return [f"{number} {why}" for number, why in ((failing, "with failures"), (few, f"of {TOO_FEW}")) if number]


def _loss(row: pd.DataFrame) -> str:
    [loss], [(least, most)] = row["relative_loss"], ends(row).itertuples(index=False)
    if pd.isna(loss):
        return "failures" if row["verdict"].iloc[0] == Outcome.FAILS_MORE else TOO_FEW
    mark = " =" if row["verdict"].iloc[0] == "tie" else " *" if row["significant"].iloc[0] else ""
    return f"{percent(loss)}{mark} [{percent(least, '')}, {percent(most, '')}]"  # an end of 0.0 may lie on either side
