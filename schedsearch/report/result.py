"""Reads a results folder back."""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from schedsearch.schedules.files import read_schedule
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.errors import InputError, reason_of
from vocoder.safe_loading.safe_pickle import read_bounded

LARGEST_TABLE = 256 << 20  # bytes; a trial takes a kilobyte
_AGAIN = "run the same search again, which writes it anew"


@dataclass(frozen=True)
class Result:
    """The result of a finished search."""

    schedule: NoiseSchedule  # what ships: the winner, or the best baseline where the winner is no better
    facts: Mapping[str, Any]  # run.json: names, identity, held-out scores, versions
    folder: Path

    @property
    def name(self) -> str:
        """The name of the schedule that ships."""
        return str(self.facts["name"])

    @property
    def improves(self) -> bool:
        """Says whether the searched schedule is better than the best baseline (95 % interval beyond zero)."""
        return bool(self.facts["improves_on_baseline"])

    @property
    def verdict(self) -> dict[str, Any]:
        """The objective on the held-out clips: `winner`, `baseline` (mean, se, clips, draws, failures each) and their
        `difference` (mean, low, high of its 95 % interval; None where fewer than two clips failed in neither)."""
        rows: list[dict[str, Any]] = self.facts["held_out"]
        return next(row for row in rows if row["metric"] == self.facts["objective"])

    @property
    def leaderboard(self) -> pd.DataFrame:
        """One row a schedule: finalists, on fresh noise, then the other baselines, each part best first."""
        return _table(self.folder / "leaderboard.csv")

    @property
    def trials(self) -> pd.DataFrame:
        """One row a candidate, baselines first."""
        return _table(self.folder / "trials.csv")


def read_result(folder: str | Path) -> Result:
    """Reads results/<dataset>/<rate>hz/<iterations>iters. InputError if no finished search has written it."""
    if not isinstance(folder, str | Path):
        raise InputError(f"a results folder must be a path, and is {folder!r}; name one")
    folder = Path(folder)
    path = folder / "run.json"
    if not os.path.isfile(path):
        raise InputError(f"{folder} has no run.json; finish a search first, or name its results folder")
    try:
        facts = json.loads(read_bounded(path))
        objective = facts["objective"]
        whole = objective in [row["metric"] for row in facts["held_out"]]
        whole = whole and {"name", "improves_on_baseline"} <= set(facts)
    except InputError:
        raise
    except (LookupError, TypeError):
        whole = False
    except (ValueError, RecursionError) as error:  # ValueError: torn, no UTF-8, a number of 5,000 digits
        raise InputError(f"{path} must be JSON, and is not ({reason_of(error)}); {_AGAIN}") from error
    if not whole:
        raise InputError(f"{path} is no search's run.json; name a results folder")
    return Result(read_schedule(folder / "schedule.json"), facts, folder)


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(io.BytesIO(read_bounded(path, limit=LARGEST_TABLE)))
    except InputError:
        raise
    except (ValueError, OverflowError) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path} must be a table, and is not ({reason_of(error)}); {_AGAIN}") from error
