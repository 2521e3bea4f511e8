"""Scores of a schedule: one value for each clip and noise draw, never averaged before they are stored."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Score:
    """One schedule's values of one metric, [clip, draw], NaN for a failure, and the reasons of the failures."""

    values: npt.NDArray[np.float64]
    failures: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """The mean over clips and draws. NaN as soon as one failed: a mean over the rest would flatter the schedule."""
        return float(self.values.mean())

    @property
    def standard_error(self) -> float:
        """The standard error of the mean over clips, draws averaged first (they are nested). NaN for one clip."""
        clips = self.values.mean(axis=1)
        return float(clips.std(ddof=1) / np.sqrt(len(clips))) if len(clips) > 1 else float("nan")


def joined(clips: Sequence[str], parts: Sequence[tuple[Sequence[str], Score]]) -> Score:
    """Joins the scores of parts of the clips, given with their clips' names, in the order of `clips`."""
    names = [name for part_names, _ in parts for name in part_names]
    values = np.concatenate([score.values for _, score in parts])
    return Score(values[[names.index(clip) for clip in clips]], tuple(f for _, score in parts for f in score.failures))


@dataclass(frozen=True)
class Evaluation:
    """One schedule's scores by metric name, and what they cost."""

    scores: dict[str, Score]
    seconds: float
    network_evaluations: int  # a clip through the network once is one
    estimate: float | None = None  # of the objective's mean over all clips, for a schedule that heard less than that
    draws: tuple[int, ...] | None = None  # of each clip, -1 where it was not scored; None: all in the draws asked for
