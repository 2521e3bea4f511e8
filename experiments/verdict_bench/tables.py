"""Writes verdict.md: the tables of the bench, as far as they are measured."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from experiments.verdict_bench import grids, honesty
from experiments.verdict_bench.judging import HELD_OUT, differences, interval
from experiments.verdict_bench.searches import OLD, SEARCHES, SHIPPED, TABLES
from schedsearch.formatting import markdown_table
from vocoder.atomic import atomic_write

PATH = TABLES / "verdict.md"
HEAD = f"""# A search of this engine beside one of the earlier engine

Made by `make bench-verdict`. Both engines search as users do, with their default budgets, each in the arithmetic that
it chooses itself, on the weights of commit {OLD} and from the same warm starts, one after the other on one machine.
In {" and ".join(map(str, SHIPPED))} steps what that commit ships stands for the earlier engine.
What they ship is judged on all held-out clips in 4 draws that neither heard, in float32. The objective is
spectral_pesq, lower is better. Searches and their costs stand in searches.csv, held-out scores in held_out.csv.
"""


def write_tables() -> None:
    """Writes what there is so far."""
    parts = [f"\n## {title}\n\n{_markdown(table)}\n" for title, table in _parts() if table is not None]
    atomic_write(PATH, (HEAD + "".join(parts)).encode())


def _parts() -> Iterator[tuple[str, pd.DataFrame | None]]:
    yield "New minus old on held-out clips, with 95 % intervals over clips alone: other seeds differ more", _held_out()
    yield "Cost of the new engine as a part of the old one's, whole run", _costs()
    yield "Beside the grids of the public scripts, 6 steps", _read(grids.AGAINST)
    voice = "{} at {} Hz".format(*honesty.REGRET_VOICE)
    yield f"The stop rule, {honesty.STEPS} steps, {voice}: what searches said is left to gain, and what was", _regret()
    yield "How often a baseline is better than itself in other noise", _false_winners()


def _held_out() -> pd.DataFrame | None:
    if not HELD_OUT.exists():
        return None
    rows, clip_rows = [], differences()
    searches = clip_rows.groupby(["dataset", "rate", "iterations", "seed"])
    groups = [(f"{dataset} at {rate} Hz, {n} steps, seed {s}", part) for (dataset, rate, n, s), part in searches]
    groups += [(f"all of {n} steps", part) for n, part in clip_rows.groupby("iterations")] + [("all", clip_rows)]
    for name, part in groups:
        if not part.empty:
            mean, low, high = interval(part)
            pairs = part.groupby(["dataset", "rate", "iterations", "seed"]).ngroups
            clips = part.groupby(["dataset", "rate"])["clip"].nunique().sum()
            rows.append({"searches": name, "new - old": mean, "low": low, "high": high, "pairs": pairs, "clips": clips})
    return pd.DataFrame(rows) if rows else None


def _costs() -> pd.DataFrame | None:
    if not SEARCHES.exists():
        return None
    table, keys = pd.read_csv(SEARCHES), ["dataset", "rate", "iterations", "seed"]
    columns = ["evaluations", "audio_seconds", "processor_seconds", "seconds"]
    both = table.pivot(index=keys, columns="engine", values=columns).dropna()
    if both.empty:
        return None
    ratios = pd.DataFrame({name: both[name]["new"] / both[name]["old"] for name in columns})
    grouped = ratios.groupby(level="iterations")
    medians = grouped.median().rename(columns=lambda name: f"{name}, median of the ratios")
    processors = ", ".join(sorted(table["processor"].dropna().unique()))
    return medians.assign(pairs=grouped.size(), processor=processors).reset_index()


def _regret() -> pd.DataFrame | None:
    if (table := _read(honesty.REGRET)) is None:
        return None
    regret = honesty.regrets(table)
    row = {
        "seeds": len(table),
        "precision": ", ".join(sorted(set(table["precision"]))),
        "with a claim": int(table["claim"].notna().sum()),
        "candidates, median": table["candidates"].median(),
        "claim, median": table["claim"].median(),
        "regret, median": regret.median(),
        "regret, most": regret.max(),
        "regret beyond the claim": int((regret > table["claim"]).sum()),
    }
    return pd.DataFrame([row])


def _false_winners() -> pd.DataFrame | None:
    if (table := _read(honesty.FALSE_WINNERS)) is None:
        return None
    return table["outcome"].value_counts().rename("of 200 simulated verdicts").reset_index()


def _read(path: Path) -> pd.DataFrame | None:
    return pd.read_csv(path) if path.exists() else None


def _markdown(table: pd.DataFrame) -> str:
    def cell(value: object) -> str:
        return f"{value:.4g}" if isinstance(value, float) and abs(value) < 1000 else str(value)

    return markdown_table(list(table.columns), [list(map(cell, row)) for row in table.itertuples(index=False)])
