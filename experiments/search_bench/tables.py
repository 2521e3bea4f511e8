"""Writes search.md: the CSV files as tables."""

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.search_bench import ablation, curves, finalists, held_out
from experiments.search_bench.grids import evaluations, grid_path
from experiments.search_bench.noise import noise_table
from experiments.search_bench.racing import SCORES, prefix_table, race_table
from experiments.search_bench.searching import COLUMN, FOLDER, OBJECTIVE
from schedsearch.formatting import markdown_table
from schedsearch.strategies.named_grids import grid_named
from vocoder.atomic import atomic_write

PATH = FOLDER / "search.md"
SHARES = {"lmnt": (20, 8), "ivanvovk": (1000,)}


HOW = f"""Made by `make bench-search OBJECTIVE={OBJECTIVE}`; experiments/search_bench says how. Strategies, stages
and grids are scored on four search clips in one draw of noise, in the precision that is fastest here (bfloat16
where the processor has AMX); searches of 6 and 12 steps that meet on held-out clips, on all clips in several draws.
Held-out scores are in float32."""


def write_tables() -> None:
    """Writes the tables of all that was measured so far."""
    parts = {
        "Against the grids of the public scripts, N = 6": _against(),
        "Best of n candidates drawn from ivanvovk's grid": _best_of(grid_path("ivanvovk", 6)),
        "Held-out clips": _held_out(),
        "Every strategy, N = 6: best score so far, as a part of the best baseline's": _by(
            curves.PATH, "strategy", curves.CALLS
        ),
        **{
            f"Stages of the default search, N = {n}: best score so far, as a part of the best baseline's": _by(
                ablation.PATH, "variant", ablation.CALLS[n], iterations=n
            )
            for n in ablation.SEEDS
        },
        f"A warm start, N = {ablation.WARMED[1]}: best score so far, as a part of the best baseline's": _by(
            ablation.PATH, "variant", ablation.CALLS[ablation.WARMED[1]], iterations=ablation.WARMED[1]
        ),
        "What a search of 6 steps ends with, on held-out clips": _confirmed(),
        "What a score's error is made of, N = 6": noise_table(),
        "The default search's own time, as a part of the whole": _overhead(),
        "The race": race_table() if SCORES.exists() else None,
        "Full grids of three levels a step": prefix_table(),
    }
    head = f"# The search engine on the demo voice, objective {OBJECTIVE}\n\n{HOW}\n"
    body = [f"\n## {title}\n\n{_markdown(table)}\n" for title, table in parts.items() if table is not None]
    atomic_write(PATH, (head + "".join(body)).encode())


def _against() -> pd.DataFrame | None:
    if not curves.AGAINST_PATH.exists():
        return None
    table, rows = pd.read_csv(curves.AGAINST_PATH), []
    for name, shares in SHARES.items():
        scored = pd.read_csv(grid_path(name, 6))
        total = grid_named(name, 6, 0).count
        spent = evaluations(name, 6, total)
        run = table[table["grid"] == name]
        for share in shares:
            within = run[run["network_evaluations"] <= spent / share]["best"]
            best = within.min() if len(within) else np.nan
            rows.append(
                {
                    "grid": name,
                    "its candidates": total,
                    "scored": len(scored),
                    "its evaluations": spent,
                    "its best": scored[COLUMN].min(),
                    "part": f"1/{share}",
                    "search's best": best,
                    "ratio": best / scored[COLUMN].min(),
                }
            )
    return pd.DataFrame(rows)


def _best_of(path: Path) -> pd.DataFrame | None:
    """Returns the expected best of n of the scored candidates, drawn without replacement."""
    if not path.exists():
        return None
    scores = np.sort(pd.read_csv(path)[COLUMN].to_numpy())
    generator = np.random.default_rng(0)
    rows = []
    for n in (10, 30, 100, 300, 1000, len(scores)):
        if n <= len(scores):
            best = [generator.choice(scores, n, replace=False).min() for _ in range(500)]
            low, middle, high = np.quantile(best, [0.1, 0.5, 0.9])
            rows.append({"n": n, "median": middle, "10 %": low, "90 %": high})
    return pd.DataFrame(rows)


def _held_out() -> pd.DataFrame | None:
    return pd.read_csv(held_out.PATH) if held_out.PATH.exists() else None


def _by(path: Path, column: str, most: int, iterations: int | None = None) -> pd.DataFrame | None:
    """Returns the best scores at quarters of the budget of `most` network evaluations."""
    if not path.exists():
        return None
    table = pd.read_csv(path)
    if iterations is not None:
        table = table[table["iterations"] == iterations]
    if table.empty:
        return None
    rows = []
    for name, runs in table.groupby(column, sort=False):
        row: dict[str, object] = {column: name, "runs": runs["seed"].nunique()}
        for calls in (most // 4, most // 2, 3 * most // 4, most):
            row[f"at {calls}"] = _at(runs, calls)
        rows.append(row | {f"mean at {most}": float(np.mean(_reached(runs, most)))})
    return pd.DataFrame(rows)


def _at(runs: pd.DataFrame, calls: int) -> str:
    """Writes median [least, most] over seeds."""
    best = _reached(runs, calls)
    return f"{np.median(best):.3f} [{min(best):.3f}, {max(best):.3f}]"


def _reached(runs: pd.DataFrame, calls: int) -> list[float]:
    """Returns the best score of each seed; a run without a score yet has its baseline's."""
    best = []
    for _, run in runs.groupby("seed"):
        within = run[run["network_evaluations"] <= calls]["best"] / run["best_baseline"].iloc[0]
        best.append(min(1.0, within.min()) if len(within) else 1.0)
    return best


def _confirmed() -> pd.DataFrame | None:
    """Returns held-out scores of the best baseline, and of the schedules that search scores and finalists choose."""
    if not finalists.PATH.exists():
        return None
    table, rows = pd.read_csv(finalists.PATH), []
    for metric, runs in table.groupby("metric", sort=False):
        gain, again = runs["confirmed"] - runs["baseline"], runs["confirmed"] - runs["unconfirmed"]
        rows.append(
            {
                "metric": metric,
                "seeds": len(runs),
                "best baseline": runs["baseline"].mean(),
                "first by the search": runs["unconfirmed"].mean(),
                "first of the finalists": runs["confirmed"].mean(),
                "it less the baseline": gain.mean(),
                "sd over seeds": gain.std(ddof=1),
                "what scoring again changes": again.mean(),
                "its standard error": again.sem(),
            }
        )
    return pd.DataFrame(rows)


def _overhead() -> pd.DataFrame | None:
    if not curves.OVERHEAD_PATH.exists():
        return None
    runs = pd.read_csv(curves.OVERHEAD_PATH).groupby("seed", sort=False)["overhead"].first()
    return pd.DataFrame([{"runs": len(runs), "median": runs.median(), "least": runs.min(), "most": runs.max()}])


def _markdown(table: pd.DataFrame) -> str:
    def cell(value: object) -> str:
        return f"{value:.4g}" if isinstance(value, float) and abs(value) < 1000 else str(value)

    return markdown_table(list(table.columns), [list(map(cell, row)) for row in table.itertuples(index=False)])
