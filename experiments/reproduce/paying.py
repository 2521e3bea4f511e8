"""Where searching pays: universal, searched and published schedules side by side, from the shipped tables alone."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.reproduce.renewal import kept_lengths
from experiments.reproduce.strangers import TABLE, read_strangers
from experiments.shipped_searches import Search, minutes, read_searches
from experiments.voice_table import LONGEST, PUBLISHED
from experiments.voices_table import SPECTRAL_PESQ, Tables, read_voices
from schedsearch.comparison.table import write_table
from schedsearch.formatting import markdown_table, percent
from schedsearch.metrics import mos
from schedsearch.metrics.perceptual import BEST as BEST_PESQ
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.transfer.loss_tables import corrected, ends
from schedsearch.transfer.matrix_files import matrices, read_matrices
from schedsearch.transfer.overview import JUDGE, decisive
from schedsearch.transfer.relations import BASELINE, NATIVE, STRANGERS, UNIVERSAL
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

OWN, BEST = "own search", "best published"  # beside UNIVERSAL
PESQ, WIDE = "pesq_wb", "_wb"
COLUMNS = (  # of the page, after steps and schedule
    ("objective", "mean", ".2f"),
    ("worse than own search by", "relative_loss", ".1%"),
    ("PESQ-wb", PESQ, ".2f"),
    ("Distill-MOS", mos.NAME, ".2f"),
    ("of the gap closed", "closed", ".0%"),
    ("minutes", "minutes", ".0f"),
)
HOW = """# Where searching pays

Mean over voices ± standard deviation over voices (number of voices), on held-out clips. "universal" was chosen without
the judging voice's speaker: a voice of yours had no part in the choice either. Where an earlier universal schedule
keeps its name (`transfer/universal-renewal.md`) it is that one, and these speakers had a part in it. Our own searches
did not have it among their baselines. Yours will: `strangers.md` says what a search adds then. "best published" is the
published schedule of this length with the best objective on these clips. Objective and PESQ are of the voices with wide
band alone. Several voices have one speaker. The gap goes from the published 6 steps to 1000 steps (each voice's
`voice.md`; 1000 steps on fewer clips). Minutes are what all processes of a search together took to score its
candidates. `where_searching_pays.csv` has each voice."""

STANDING = """Own search beside the others, by each voice's 95 % paired interval over clips after Holm's correction for
all voices and lengths. Intervals of what a schedule costs are not corrected."""

TAKE = "**Own search gains nothing over it that these clips can tell: take universal-{}.**"


def write_paying(shipped: Path) -> None:
    """Writes where_searching_pays.csv, a row a voice, length and schedule, and the page of their means."""
    voices = list(read_voices())
    matrix = _of_now(read_matrices(matrices(shipped / "transfer")), voices)
    if matrix.empty:
        raise InputError(f"{shipped / 'transfer'} has no matrix of today's voices; run the stages voices and transfer")
    for steps, judged in matrix.groupby("iterations"):
        judges = set(judged["dataset"] + "/" + judged["rate"].astype(str) + "hz")
        if lacking := {voice.label for voice in voices} - judges:
            rule = f"a table of {steps} steps must have every voice, and {min(lacking)} did not judge them"
            raise InputError(f"{rule}; run the stages voices and transfer")
    table = paying(matrix, voices, list(read_searches(shipped)), kept_lengths(shipped / "transfer"))
    write_table(table, shipped / "where_searching_pays.csv")
    blocks = [HOW, _means(table), STANDING, "\n".join(_standings(table, read_strangers(shipped / TABLE)))]
    atomic_write(shipped / "where_searching_pays.md", ("\n\n".join(blocks) + "\n").encode())


def _of_now(matrix: pd.DataFrame, voices: Sequence[Tables]) -> pd.DataFrame:
    """Leaves out what was judged by other weights than a voice's table is of."""
    known = {(voice.label, voice.checkpoint) for voice in voices}
    judges = zip(matrix["dataset"], matrix["rate"], matrix["checkpoint"], strict=True)
    return matrix[[(f"{dataset}/{rate}hz", checkpoint) in known for dataset, rate, checkpoint in judges]]


def paying(
    matrix: pd.DataFrame, voices: Sequence[Tables], searches: Sequence[Search], kept: Collection[int] = ()
) -> pd.DataFrame:
    """Returns a row a schedule of those three, for each voice and length that has a winner of its own.

    In the lengths `kept` the universal schedule is the earlier one, which no choice without a speaker led to.
    """
    decided = decisive(matrix)
    is_kept = decided["iterations"].isin(list(kept))
    is_universal = decided["relation"] == np.where(is_kept, UNIVERSAL, STRANGERS)
    published = decided[(decided["relation"] == BASELINE) & (decided["source"] == "published")]
    choices = {
        UNIVERSAL: decided[is_universal],
        OWN: decided[decided["relation"] == NATIVE],
        BEST: published.sort_values("relative_loss").drop_duplicates(JUDGE),
    }
    # Own searches stand beside themselves: their difference is 0.
    rows = pd.concat(r.assign(choice=name, significant=corrected(r)) for name, r in choices.items())
    rows = rows.join(ends(rows))
    for metric in (PESQ, mos.NAME):
        of_metric = matrix[matrix["metric"] == metric]
        values = of_metric.drop_duplicates([*JUDGE, "schedule"])[[*JUDGE, "schedule", "mean"]]
        rows = rows.merge(values.rename(columns={"mean": metric}), on=[*JUDGE, "schedule"], how="left")
    columns = [*JUDGE, "choice", "schedule", "metric", "mean", "relative_loss", "least", "most", "significant"]
    closed, took = _closed(rows, decided, voices), _minutes(rows, searches)
    table = rows[[*columns, PESQ, mos.NAME]].assign(closed=closed, minutes=took)
    return table.sort_values("iterations", kind="stable")


def _closed(rows: pd.DataFrame, decided: pd.DataFrame, voices: Sequence[Tables]) -> list[float]:
    """Returns which part of the way from the published 6 steps to 1000 steps each row's schedule goes.

    Both are measured from the published schedule on the row's clips. The 1000 steps are those of voice.csv, on fewer.
    NaN for another objective.
    """
    last = {voice.label: voice.score(LONGEST, SPECTRAL_PESQ) for voice in voices}
    first = decided[decided["schedule"] == PUBLISHED].set_index(["dataset", "rate"])["mean"].to_dict()
    closed = []
    for row in rows.itertuples():
        begin, mode = first.get((row.dataset, row.rate), np.nan), row.metric.removeprefix(f"{DEFAULT_OBJECTIVE}_")
        end = last[f"{row.dataset}/{row.rate}hz"] + BEST_PESQ.get(mode, np.nan)
        closed.append((row.mean - begin) / (end - begin))
    return closed


def _minutes(rows: pd.DataFrame, searches: Sequence[Search]) -> list[float]:
    """Returns what each own search took; NaN beside other schedules and where its trials are not there."""
    took = {}
    for search in searches:
        facts = search.result.facts
        place = (facts["dataset"], facts["sample_rate"], facts["checkpoint_hash"][:12], search.iterations)
        took[place] = minutes(search)
    return [
        took.get((row.dataset, row.rate, row.checkpoint, row.iterations), np.nan) if row.choice == OWN else np.nan
        for row in rows.itertuples()
    ]


def _means(table: pd.DataFrame) -> str:
    rows = []
    for (n, choice), group in table.groupby(["iterations", "choice"], sort=False):
        # The band decides the scale.
        wide = group.assign(mean=group["mean"].where(group["metric"].str.endswith(WIDE)))
        rows.append([n, choice, *(_spread(wide[column], form) for _, column, form in COLUMNS)])
    return markdown_table(["steps", "schedule", *(name for name, _, _ in COLUMNS)], rows)


def _spread(values: pd.Series, form: str) -> str:
    """Writes mean ± standard deviation (n); nothing where no value is known."""
    known = values.dropna()
    if known.empty:
        return ""
    deviation = f" ± {known.std():{form}}" if len(known) > 1 else ""
    return f"{known.mean():{form}}{deviation} ({len(known)})".replace("-", "−").replace("%", " %")


def _standings(table: pd.DataFrame, strangers: pd.DataFrame) -> Iterator[str]:
    """Says for each length on how many voices own search is better, and what to do where it is on none."""
    for n, group in table.groupby("iterations"):
        universal, published = (group[group["choice"] == choice] for choice in (UNIVERSAL, BEST))
        line = f"- {n} steps: {_counts(universal)} the universal schedule, {_counts(published)} the best published."
        of_length = strangers[strangers["iterations"] == n]
        gains = _better(universal).any() or universal["least"].mean() > 0 or _gains(of_length).any()
        advice = "" if gains or universal["relative_loss"].isna().any() or universal.empty else TAKE.format(n)
        yield " ".join(filter(None, [line, _cost(universal), _added(of_length), advice]))


def _gains(strangers: pd.DataFrame) -> pd.Series:
    return strangers["significant"] & (strangers["difference"] < 0)


def _added(strangers: pd.DataFrame) -> str:
    """Says what searches add that have the universal schedule among their baselines."""
    if strangers.empty:
        return ""
    counts = f"better on {_gains(strangers).sum()} of {len(strangers)} voices than the best of these"
    mean = percent(strangers["relative"].mean())
    return f"A search that has it among its baselines is {counts}: {mean} of the score in the mean of all voices."


def _cost(universal: pd.DataFrame) -> str:
    """Says what the universal schedule costs."""
    if universal.empty:
        return "No universal schedule was chosen without the judging speaker."
    failing = universal["relative_loss"].isna().sum()
    if failing:
        return f"The universal schedule fails more often on {failing} of {len(universal)} voices."
    loss, least, most = (universal[name].mean() for name in ("relative_loss", "least", "most"))
    said = f"{percent(loss)} in the mean (mean of the intervals' ends: {percent(least)}, {percent(most)})"
    return f"The universal schedule costs {said}; no voice's interval ends above {percent(universal['most'].max())}."


def _counts(rivals: pd.DataFrame) -> str:
    worse = rivals["significant"] & (rivals["relative_loss"] < 0)
    return f"better on {_better(rivals).sum()} and worse on {worse.sum()} of {len(rivals)} voices than"


def _better(rivals: pd.DataFrame) -> pd.Series:
    """Says on which voices the own search is better than these."""
    return rivals["significant"] & (rivals["relative_loss"] > 0)
