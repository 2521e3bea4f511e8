"""metrics.md: the tables, and what follows from their numbers."""

from collections.abc import Mapping, Sequence

import pandas as pd

from experiments.metrics_study.losses import JUDGES
from experiments.metrics_study.noise import DRAWS, POWER, STANDARD
from schedsearch.formatting import markdown_table

SINGLED_OUT = ("static in pauses, -50 dB", "low-pass 4 kHz", "gain -3 dB", "gain +3 dB", "delay 16 samples")
Tables = Mapping[str, pd.DataFrame]
HEAD = """# The metrics on {dataset}

Made by `python -m experiments.metrics_study`, which says how; what all voices say together stands in
results/shipped/metrics.md. The metrics were computed in float32; the CSV files beside this one hold all numbers. Every
metric is read as a loss (less is better); `level_error` is how many dB a clip is too quiet or too loud. A standard unit
of a metric is its standard deviation over the better half of the 6-step schedules, so that metrics can be compared.
Intervals are 95 %. The worst quarter of the schedules is left out of choices and regrets: none but level_error would
choose there, and the level alone does not tell noise as loud as speech from speech.
"""


def document(dataset: str, tables: Tables) -> str:
    """Of the tables by name; those of faults may be empty."""
    parts = {
        "Which should decide a search?": (_decision(tables["decision"]), tables["decision"]),
        **_longer(tables),
        "What each would choose": (_choices(tables["choices"]), tables["choices"]),
        "What the choice loses": (_regret(tables["regret"]), _regret_square(tables["regret"])),
        "Do they rank alike?": (_agreement(tables["agreement"]), _square(tables["agreement"], "6 steps, better half")),
        "All 6-step schedules, good and bad": ("Kendall's tau.", _square(tables["agreement"], "6 steps")),
        **_of_faults(tables["degradations"]),
        "How noisy is a difference?": (_noise(tables["noise"]), tables["noise"]),
        "How many clips settle it?": (_needed(tables["clips_needed"]), tables["clips_needed"]),
    }
    head = HEAD.format(dataset=dataset)
    return head + "".join(f"\n## {title}\n\n{said}\n\n{markdown(table)}\n" for title, (said, table) in parts.items())


def _longer(tables: Tables) -> dict[str, tuple[str, pd.DataFrame]]:
    """Of the longer schedules that are scored."""
    found = {}
    for steps, table in tables["objectives"].groupby("steps"):
        if steps > 6:
            first, alone = table.iloc[0], _row(table, "log_mel_l1")
            said = (
                "Fewer schedules, none of them a random point, on fewer clips; standard units are those of 6 "
                f"steps. Least for {_worst(first)}; log_mel_l1 has {alone['expected']:.2f} "
                f"{_range(alone['low'], alone['high'])}."
            )
            found[f"The same at {steps} steps"] = (said, table.drop(columns="steps"))
    return found


def _of_faults(table: pd.DataFrame) -> dict[str, tuple[str, pd.DataFrame]]:
    """Of the voice that was degraded."""
    if table.empty:
        return {}
    titles = {"recording": "Which reacts to what: faults added to recordings"}
    titles["synthesis"] = "The same faults added to synthesis"
    return {title: (_reactions(table, start), _faults(table, start)) for start, title in titles.items()}


def markdown(table: pd.DataFrame) -> str:
    """With three digits."""
    return markdown_table(list(table.columns), [list(map(_cell, row)) for row in table.itertuples(index=False)])


def supported(objectives: pd.DataFrame) -> str:
    """Of the metrics with a gradient, the one whose worst regret is expected to be least."""
    able = objectives[objectives["differentiable"]]
    return str(able.loc[able["expected"].idxmin(), "chosen_by"])


def _decision(table: pd.DataFrame) -> str:
    first, chosen = table.iloc[0], _row(table, supported(table))
    tied = table[table["more_than_best_gradient_low"] <= 0].sort_values("clips_for_a_quarter")
    quiet, default = table.loc[table["tau_with_level"].idxmax()], _row(table, "log_mel_l1")
    return " ".join(
        [
            "Each metric chooses among the 6-step schedules on the search clips;",
            f"the choice is judged by {_and(JUDGES)} on the held-out clips.",
            f"The worst of its losses, in standard units, is expected to be least for {_worst(first)};",
            f"of those with a gradient for {_worst(chosen)}. log_mel_l1 has {default['expected']:.2f}",
            f"{_range(default['low'], default['high'])}, worst for {default['worst_for']}.",
            f"Over the draws of clips, not surely worse than {chosen['chosen_by']}: {_and(tied['chosen_by'].tolist())}",
            f"(fewest clips for {STANDARD} standard units: {tied.iloc[0]['chosen_by']},",
            f"{tied.iloc[0]['clips_for_a_quarter']:.0f}; {chosen['chosen_by']} {chosen['clips_for_a_quarter']:.0f}).",
            f"tau_with_level says how far a metric calls louder schedules worse: most {quiet['chosen_by']}",
            f"({quiet['tau_with_level']:.2f}), {chosen['chosen_by']} {chosen['tau_with_level']:.2f}.",
        ]
    )


def _worst(row: "pd.Series[float]") -> str:
    return f"{row['chosen_by']} ({row['expected']:.2f} {_range(row['low'], row['high'])}, worst for {row['worst_for']})"


def _row(table: pd.DataFrame, metric: str) -> "pd.Series[float]":
    return table[table["chosen_by"] == metric].iloc[0]


def _choices(table: pd.DataFrame) -> str:
    ordered = table.sort_values("level")
    quiet, loud = ordered.iloc[0], ordered.iloc[-1]
    return (
        f"Scores of the chosen schedule on the held-out clips. The quietest choice is that of {quiet['chosen_by']} "
        f"({quiet['level']:.2f} dB, PESQ {quiet['pesq_wb']:.3f}), the loudest that of {loud['chosen_by']} "
        f"({loud['level']:.2f} dB, PESQ {loud['pesq_wb']:.3f})."
    )


def _regret(table: pd.DataFrame) -> str:
    best = table[(table["steps"] == 6) & (table["best"] == 1) & table["judge"].isin(JUDGES)]
    worst = best.loc[best["standard_units"].idxmax()]
    return (
        f"Rows choose, columns judge, in standard units (6 steps, the best one). The largest loss of "
        f"{_and(JUDGES)}: the choice of {worst['chosen_by']} costs {worst['regret']:.3g} in {worst['judge']}, "
        f"{worst['standard_units']:.2f} [{worst['low']:.2f}, {worst['high']:.2f}] standard units."
    )


def _agreement(table: pd.DataFrame) -> str:
    half = table[table["scope"] == "6 steps, better half"]
    against = half[half["kendall_high_clips"] < 0]
    said = "Kendall's tau on the better half of the 6-step schedules, where a search has to decide. "
    if against.empty:
        return said + "No pair disagrees for sure (interval over clips)."
    pairs = [
        f"{r.metric} and {r.other} ({r.kendall:.2f}, over clips {_range(r.kendall_low_clips, r.kendall_high_clips)}, "
        f"over schedules {_range(r.kendall_low_schedules, r.kendall_high_schedules)})"
        for r in against.sort_values("kendall").head(5).itertuples()
    ]
    return said + f"{len(against)} of {len(half)} pairs rank them the other way round for sure: {'; '.join(pairs)}."


def _reactions(table: pd.DataFrame, start: str) -> str:
    heard = table[table["added_to"] == start]
    said = ["Change in standard units, positive where the fault makes the metric worse."]
    for fault in (name for name in SINGLED_OUT if name in set(heard["fault"])):
        ordered = heard[heard["fault"] == fault].sort_values("standard_units")
        most, least = ordered.iloc[-1], ordered.iloc[0]
        said.append(
            f"To {fault} {most['metric']} reacts most ({most['standard_units']:.2g}), "
            f"{least['metric']} least ({least['standard_units']:.2g})."
        )
    return " ".join(said)


def _noise(table: pd.DataFrame) -> str:
    ordered = table.sort_values("noise_in_standard_units")
    drawn = table.dropna(subset=["between_draws_sd"])
    shared = (drawn["between_draws_sd"] / drawn["between_draws_sd_unshared_noise"]) ** 2
    quiet, noisy = ordered.iloc[0], ordered.iloc[-1]
    unsure = table.loc[table["reliability"].idxmin()]
    return (
        f"Standard deviations of the paired difference of two of the better schedules. In standard units "
        f"{quiet['metric']} is the least noisy ({quiet['noise_in_standard_units']:.2f}), "
        f"{noisy['metric']} the noisiest ({noisy['noise_in_standard_units']:.2f}). Common noise leaves "
        f"{shared.median():.0%} (median over metrics) of the variance between draws that separate noise would give. "
        f"reliability is the part of the spread of the better schedules' means that is not noise: least for "
        f"{unsure['metric']} ({unsure['reliability']:.2f})."
    )


def _needed(table: pd.DataFrame) -> str:
    standard = table.groupby("metric").last()["clips_1_draws"].sort_values()
    return (
        f"Clips for {POWER:.0%} power of a two-sided paired t test at 5 %, with {_and([str(d) for d in DRAWS])} noise "
        f"draws a clip; each metric's last row is {STANDARD} standard units, for which {standard.index[0]} needs the "
        f"fewest ({standard.iloc[0]:.0f}) and {standard.index[-1]} the most ({standard.iloc[-1]:.0f})."
    )


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


def _range(low: float, high: float) -> str:
    return f"[{low:.2f}, {high:.2f}]"


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
