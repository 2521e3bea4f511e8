"""The spread of what a search ships over its seeds, beside the spread over clips.

The seed is also that of the noise that judges, so that the spread over seeds holds the luck of that noise too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from schedsearch.formatting import markdown_table
from schedsearch.report.result import read_result
from vocoder.atomic import atomic_write

HEAD = ["voice", "steps", "searches", "mean", "standard deviation over seeds and their noise",
        "standard error over clips"]  # fmt: skip


def write_seeds(folders: Mapping[int, Iterable[Path]], path: Path) -> None:
    """Writes `path`.csv, a row a search, and `path`.md, a row a voice and length that was searched with several seeds.

    `folders` are the voices' results folders by seed. What ships is scored on all held-out clips. For all voices of a
    length together the variances over seeds are averaged, since two or three seeds of one voice tell little.
    """
    rows = [_row(run, seed) for seed, voices in folders.items() for voice in voices for run in voice.glob("*/run.json")]
    table = pd.DataFrame(rows).sort_values(["voice", "iterations", "seed"])
    groups = [group for _, group in table.groupby(["voice", "iterations"]) if len(group) > 1]
    page = markdown_table(HEAD, [*map(_summary, groups), *_pooled(groups)], numbers=True)
    atomic_write(path.with_suffix(".csv"), table.to_csv(index=False, float_format="%.6g").encode())
    atomic_write(path.with_suffix(".md"), f"{page}\n".encode())


def _row(run: Path, seed: int) -> dict[str, object]:
    result = read_result(run.parent)
    ships = result.verdict["winner" if result.improves else "baseline"]
    voice = f"{result.facts['dataset']}/{result.facts['sample_rate']}hz"
    return {
        "voice": voice, "iterations": len(result.schedule), "seed": seed, "ships": result.name,
        "searched": result.improves, "mean": ships["mean"], "standard_error": ships["se"], "clips": ships["clips"],
    }  # fmt: skip


def _summary(group: pd.DataFrame) -> list[object]:
    figures = (group["mean"].mean(), group["mean"].std(), group["standard_error"].mean())
    return [*group[["voice", "iterations"]].iloc[0], len(group), *(f"{figure:.3f}" for figure in figures)]


def _pooled(groups: Sequence[pd.DataFrame]) -> Iterator[list[object]]:
    """Returns a row a length that several voices have, with the root of the mean variance over seeds."""
    lengths = [int(group["iterations"].iloc[0]) for group in groups]
    for n in sorted(set(lengths)):
        of_length = [group for group, steps in zip(groups, lengths, strict=True) if steps == n]
        if len(of_length) > 1:
            variance = np.mean([group["mean"].var() for group in of_length])
            error = np.mean([group["standard_error"].mean() for group in of_length])
            yield ["all voices", n, sum(map(len, of_length)), "", f"{np.sqrt(variance):.3f}", f"{error:.3f}"]
