"""transfer.md: what borrowing costs at each length, from the rows of the matrices."""

from collections.abc import Callable, Iterator
from functools import partial

import pandas as pd

from schedsearch.evaluation.paired import Outcome
from schedsearch.formatting import counted, markdown_table, percent
from schedsearch.transfer.loss_grid import TOO_FEW
from schedsearch.transfer.loss_tables import by_metric, ends, pairs, significant, unknown
from schedsearch.transfer.relations import (
    BASELINE,
    BORROWED,
    DIALECT,
    OTHER,
    OTHER_BOTH,
    OTHER_DIALECT,
    OTHER_DIALECTS,
    OTHER_RATE,
    OTHERS,
    RATE,
    RATE_AND_DIALECT,
    SAME,
    STRANGERS,
    UNIVERSAL,
)

HOW = (
    "Loss is how much worse a schedule is than the judging voice's own winner on its held-out clips, as a part of that "
    "winner's mean: the median over pairs of winner and judge, or over judges, and the largest. A pair is worse where "
    "the 95 % paired bootstrap interval over clips says so (of twenty ties one is called otherwise by chance). Holm: "
    "how many still are, marked *, after Holm's correction for all pairs of all lengths. Universal schedules were "
    "chosen on search clips and are judged on held-out ones."
)
TAKES: dict[str, tuple[str, ...]] = {
    "another speaker's winner": OTHERS,
    "... that differs in nothing else": (OTHER,),
    "... at another sample rate too": (OTHER_RATE,),
    "... in another dialect too": (OTHER_DIALECT,),
    "... at another sample rate and in another dialect": (OTHER_BOTH,),
    "the same speaker's winner at another rate": (RATE,),
    "the same speaker's winner in another dialect": (DIALECT,),
    "the same speaker's winner at another rate in another dialect": (RATE_AND_DIALECT,),
    "the winner of another checkpoint of the same speaker": (SAME,),
    "the universal schedule": (UNIVERSAL,),
    "universal, chosen without the judge's speaker": (STRANGERS,),
    "universal, chosen without the judge's dialect": (OTHER_DIALECTS,),
}
REACH = "... and where the intervals end"  # of these rows
REACHING: tuple[tuple[str, ...], ...] = (OTHERS, (RATE,), (DIALECT,), (SAME,), (STRANGERS,), (OTHER_DIALECTS,))
JUDGE = ["dataset", "rate", "checkpoint", "iterations"]
COMMON = "ivanvovk-{}"  # what is passed around as 6iters.pt, 12iters.pt, 25iters.pt


def overview(matrix: pd.DataFrame, details: str) -> str:
    """Writes transfer.md of all lengths that have rows; `details` names a length's page, by its number of steps."""
    lengths = [int(n) for n in sorted(matrix["iterations"].unique())]
    lines = [f"- [{n} steps]({details.format(n)}): {_heard(matrix[matrix['iterations'] == n])}." for n in lengths]
    decided = decisive(matrix)
    tables = [summary(matrix), by_metric(_known(matrix)), pairs(decided)]
    blocks = ["# Transfer", HOW, _other_weights(decided), _in_short(decided), *tables, "\n".join(lines)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _other_weights(decided: pd.DataFrame) -> str:
    """Says which lengths a voice judged with which weights and by which metric, where these are not the same in all."""
    told = []
    for (dataset, rate), rows in decided.groupby(["dataset", "rate"], sort=False):
        groups = rows.groupby(["checkpoint", "metric"], sort=False)["iterations"].unique()
        if len(groups) > 1:
            lengths = " | ".join(", ".join(str(n) for n in sorted(group)) for group in groups)
            told.append(f"{dataset}/{rate}hz ({lengths} steps)")
    if not told:
        return ""
    what = "weights" if decided.groupby(["dataset", "rate"])["metric"].nunique().max() == 1 else "weights or metrics"
    return f"Lengths that a bar parts were judged with different {what}; do not compare them: {'; '.join(told)}."


def summary(matrix: pd.DataFrame) -> str:
    """Writes the small table from rows of a matrix, by each judge's objective: its first metric."""
    decided = decisive(matrix)
    if decided.empty:
        return ""
    lengths = sorted(decided["iterations"].unique())
    rows = [[name, *(cell(decided[decided["iterations"] == n]) for n in lengths)] for name, cell in _rows()]
    head = ["what a voice takes", *(f"{n} steps" for n in lengths)]
    return markdown_table(head, [row for row in rows if any(row[1:])])


def decisive(matrix: pd.DataFrame) -> pd.DataFrame:
    """Returns a matrix's rows in each judge's objective, with the mean of its own winner in `mean_native`.

    Judges without a winner of their own are left out. `significant`: the interval of a borrowed winner excludes zero
    after Holm's correction for all of them.
    """
    first = matrix.groupby(JUDGE, sort=False)["metric"].transform("first")
    decided = _known(matrix[matrix["metric"] == first])
    return decided.assign(significant=significant(decided))


def _known(matrix: pd.DataFrame) -> pd.DataFrame:
    """Adds `mean_native`, and leaves out judges without a winner of their own and metrics without a better side."""
    place = [*JUDGE, "metric"]
    native = matrix[matrix["relation"] == "native"].drop_duplicates(place)
    joined = matrix.merge(native[[*place, "mean"]], on=place, suffixes=("", "_native"))
    return joined[joined["direction"] != "neither"]


def _in_short(decided: pd.DataFrame) -> str:
    """Says what borrowing costs at each length, and from which on no interval lies on the worse side."""
    borrowed = decided[decided["relation"].isin(OTHERS)]
    if borrowed.empty:
        return "No winner was judged by another speaker's voice that has one of its own."
    by_length = {int(n): rows for n, rows in borrowed.groupby("iterations")}
    costs = ", ".join(f"{_most(rows)} at {n}" for n, rows in by_length.items())
    costly = [n for n, rows in by_length.items() if rows["verdict"].isin(["worse", Outcome.FAILS_MORE]).any()]
    unsure = [n for n, rows in by_length.items() if rows["relative_loss"].isna().any()]
    free = [n for n in by_length if n > max([*costly, *unsure], default=0)]
    last = max(by_length)
    if free:
        end = f"; from {free[0]} steps on no interval lies on the worse side"
    elif (by_length[last]["verdict"] == "worse").any():
        end = f"; at {last} steps some interval still lies on the worse side"
    else:
        end = f"; at {last} steps some winner still fails more often" if last in costly else ""
    return f"Another speaker's winner costs at most {costs} steps{end}."


def _heard(rows: pd.DataFrame) -> str:
    """Says what was measured, and on how much."""
    clips = rows.groupby(["dataset", "rate"], sort=False)["clips"].max()
    voices = ", ".join(f"{dataset}/{rate}hz {counted(count, 'clip')}" for (dataset, rate), count in clips.items())
    objectives = " or ".join(dict.fromkeys(decisive(rows)["metric"]))
    draws = int(rows["draws"].max())
    return f"by {objectives or 'no objective'}, {draws} draw{'s' if draws > 1 else ''} of noise a clip; {voices}"


def _most(rows: pd.DataFrame) -> str:
    if (rows["verdict"] == Outcome.FAILS_MORE).any():
        return "everything"
    losses = rows["relative_loss"]
    return f"an unknown part ({TOO_FEW})" if losses.isna().any() else percent(losses.max())


def _rows() -> Iterator[tuple[str, Callable[[pd.DataFrame], str]]]:
    for name, relations in TAKES.items():
        yield name, partial(_of_relations, relations)
        if relations in REACHING:
            yield REACH, partial(_reach, relations)
    yield "the best baseline of each voice, known after measuring", _best_of_each
    yield "the baseline that is best in its worst case", _best_at_worst
    yield COMMON.format("N"), lambda rows: _losses(rows[rows["schedule"] == COMMON.format(rows["iterations"].iloc[0])])


def _of_relations(relations: tuple[str, ...], rows: pd.DataFrame) -> str:
    return _losses(rows[rows["relation"].isin(relations)])


def _losses(rows: pd.DataFrame) -> str:
    if rows.empty:
        return ""
    losses = rows["relative_loss"]
    if losses.isna().any():
        return f"{', '.join(unknown(rows))}, of {len(rows)}"
    worse = rows["verdict"] == "worse"
    outcome = f"{worse.sum()} of {len(rows)} worse"
    if worse.any() and rows["relation"].isin(BORROWED).all():
        outcome += f" (Holm: {(worse & rows['significant']).sum()})"
    return f"{percent(losses.median())}, at most {percent(losses.max())}; {outcome}"


def _reach(relations: tuple[str, ...], rows: pd.DataFrame) -> str:
    """Returns the largest loss that an interval does not exclude; failures have none."""
    most = ends(rows[rows["relation"].isin(relations) & rows["relative_loss"].notna()])["most"]
    return "" if most.empty else f"at most {percent(float(most.max()))}"


def _best_of_each(rows: pd.DataFrame) -> str:
    """Takes each judge's own best baseline: what a user gets who tries them all."""
    baselines = rows[(rows["relation"] == BASELINE) & rows["relative_loss"].notna()]
    return _losses(baselines.sort_values("relative_loss").drop_duplicates(["dataset", "rate", "checkpoint"]))


def _best_at_worst(rows: pd.DataFrame) -> str:
    """Takes the one baseline with the least worst loss: what a user gets who tries none."""
    baselines = rows[rows["relation"] == BASELINE]
    if baselines.empty:
        return ""
    worst = baselines.groupby("schedule")["relative_loss"].agg(lambda losses: losses.max(skipna=False))
    if worst.isna().all():
        return "each has failures, or too few clips"
    name = str(worst.idxmin())
    return f"{name}: {_losses(baselines[baselines['schedule'] == name])}"
