"""Compares over all voices and lengths which metric's choices lose least in the worst case."""

from pathlib import Path

import pandas as pd

from experiments.metrics_study.losses import JUDGES
from experiments.metrics_study.page import markdown
from experiments.metrics_study.scoring import FOLDER, SHIPPED
from vocoder.atomic import atomic_write

PATH = SHIPPED / "metrics.md"
HEAD = f"""# Which metric should decide a search?

Made by `python -m experiments.metrics_study` from the tables of each voice (`DATASET/RATEhz/metrics/`). Each metric
chooses a schedule on a voice's search clips; the choice is judged on its held-out clips by {", ".join(JUDGES)}. What
stands here is the worst of these losses, expected over draws of clips, in standard deviations of the better 6-step
schedules. Sums with PESQ count it from its best down. The first row loses least in its worst case.
"""


def write() -> Path:
    """Writes a row a metric, a column a voice and length, of all voices that have tables."""
    tables = sorted(SHIPPED.glob(f"*/*hz/{FOLDER}/objectives.csv"))
    regrets = {path.parents[2].name: pd.read_csv(path) for path in tables}
    atomic_write(PATH, (HEAD + "\n" + markdown(together(regrets)) + "\n").encode())
    return PATH


def together(regrets: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Joins regrets (steps, chosen_by, expected) by dataset: worst, mean and each; the least worst first.

    A metric with a NaN, of a choice on which a judge fails, has neither worst nor mean, and stands last.
    """
    columns = {
        f"{dataset}, {steps}": of_length.set_index("chosen_by")["expected"]
        for dataset, table in regrets.items()
        for steps, of_length in table.groupby("steps")
    }
    each = pd.DataFrame(columns)
    ends = pd.DataFrame({"worst": each.max(axis=1, skipna=False), "mean": each.mean(axis=1, skipna=False)})
    whole = pd.concat([ends, each], axis=1).sort_values("worst", na_position="last")
    return whole.rename_axis("chosen by").reset_index()
