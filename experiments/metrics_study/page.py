"""Writes metrics.md: one voice's tables, each with a note how to read it."""

from collections.abc import Iterator, Mapping

import pandas as pd

from experiments.metrics_study.losses import JUDGES
from experiments.metrics_study.noise import DRAWS, POWER, STANDARD
from schedsearch.formatting import markdown_table

Tables = Mapping[str, pd.DataFrame]
HEAD = """# The metrics on {dataset}

Made by `python -m experiments.metrics_study`, which says how; what all voices say together stands in
results/shipped/metrics.md. The metrics were computed in float32; the CSV files beside this one hold all numbers. Every
metric is read as a loss (less is better); `level_error` is how many dB a clip is too quiet or too loud. A standard unit
of a metric is its standard deviation over the better half of the 6-step schedules, so that metrics can be compared.
Intervals are 95 %. The worst quarter of the schedules is left out of choices and regrets: none but level_error would
choose there, and the level alone does not tell noise as loud as speech from speech.
"""
DECISION = f"""Each metric chooses among the 6-step schedules on the search clips; {", ".join(JUDGES)} judge the choice
on the held-out clips. `worst_regret` is the largest of these losses, in standard units; `expected` is its mean over
draws of clips. `tau_with_level` is positive where a metric calls louder schedules worse."""
LONGER = "Fewer schedules, none of them a random point, on fewer clips; standard units are those of 6 steps."
AGREEMENT = "Kendall's tau. A search has to decide among the better half."
FAULTS = "Change in standard units, positive where the fault makes the metric worse."
NOISE = """Standard deviations of the paired difference of two of the better schedules. `reliability` is the part of
the spread of the better schedules' means that is not noise."""
CLIPS = (
    f"Clips for {POWER:.0%} power of a two-sided paired t test at 5 %, with {', '.join(map(str, DRAWS))} noise draws "
    f"a clip; each metric's last row is {STANDARD} standard units."
)


def page(dataset: str, tables: Tables) -> str:
    """Writes Markdown from the tables by name; the table of faults may be empty."""
    sections = [f"\n## {title}\n\n{note}\n\n{markdown(table)}\n" for title, note, table in _sections(tables)]
    return HEAD.format(dataset=dataset) + "".join(sections)


def markdown(table: pd.DataFrame) -> str:
    """Writes a Markdown table with three digits."""
    return markdown_table(list(table.columns), [list(map(_cell, row)) for row in table.itertuples(index=False)])


def _sections(tables: Tables) -> Iterator[tuple[str, str, pd.DataFrame]]:
    yield "Which should decide a search?", DECISION, tables["decision"]
    for steps, table in tables["objectives"].groupby("steps"):
        if steps > 6:
            yield f"The same at {steps} steps", LONGER, table.drop(columns="steps")
    yield "What each would choose", "Scores of the chosen schedule on the held-out clips.", tables["choices"]
    regret = _regret_square(tables["regret"])
    yield "What the choice loses", "Rows choose, columns judge, in standard units (6 steps, the best one).", regret
    yield "Do they rank alike?", AGREEMENT, _square(tables["agreement"], "6 steps, better half")
    yield "All 6-step schedules, good and bad", AGREEMENT, _square(tables["agreement"], "6 steps")
    if not tables["degradations"].empty:
        yield "Faults added to recordings", FAULTS, _faults(tables["degradations"], "recording")
        yield "The same faults added to synthesis", FAULTS, _faults(tables["degradations"], "synthesis")
    yield "How noisy is a difference?", NOISE, tables["noise"]
    yield "How many clips settle it?", CLIPS, tables["clips_needed"]


def _regret_square(table: pd.DataFrame) -> pd.DataFrame:
    best = table[(table["steps"] == 6) & (table["best"] == 1)]
    names = list(dict.fromkeys(best["chosen_by"]))
    return best.pivot(index="chosen_by", columns="judge", values="standard_units").loc[names, names].reset_index()


def _square(table: pd.DataFrame, scope: str) -> pd.DataFrame:
    pairs = table[table["scope"] == scope]
    names = list(dict.fromkeys([*pairs["metric"], *pairs["other"]]))
    both = pd.concat([pairs, pairs.rename(columns={"metric": "other", "other": "metric"})])
    square = both.pivot(index="metric", columns="other", values="kendall").loc[names, names]
    return square.fillna(1.0).reset_index()


def _faults(table: pd.DataFrame, start: str) -> pd.DataFrame:
    heard = table[table["added_to"] == start]
    faults, names = list(dict.fromkeys(heard["fault"])), list(dict.fromkeys(heard["metric"]))
    return heard.pivot(index="fault", columns="metric", values="standard_units").loc[faults, names].reset_index()


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
