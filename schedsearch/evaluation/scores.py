"""What an evaluation finds: values a clip and noise draw, never averaged before they are stored."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Score:
    """One schedule's values of one metric, [clip, draw]; NaN where it failed, and why."""

    values: npt.NDArray[np.float64]
    failures: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """Over clips and draws; NaN as soon as one failed: a mean over the rest would flatter it."""
        return float(self.values.mean())

    @property
    def standard_error(self) -> float:
        """Of the mean over clips (draws averaged first: they are nested in clips); NaN for a single clip."""
        clips = self.values.mean(axis=1)
        return float(clips.std(ddof=1) / np.sqrt(len(clips))) if len(clips) > 1 else float("nan")


def joined(clips: Sequence[str], parts: Sequence[tuple[Sequence[str], Score]]) -> Score:
    """One score in the order of `clips`, from those of some clips each, with their names."""
    names = [name for some, _ in parts for name in some]
    values = np.concatenate([score.values for _, score in parts])
    return Score(values[[names.index(clip) for clip in clips]], tuple(f for _, score in parts for f in score.failures))


@dataclass(frozen=True)
class Evaluation:
    """One schedule's scores by metric name and what they cost."""

    scores: dict[str, Score]
    seconds: float
    network_evaluations: int  # clips through the network, once each
    estimate: float | None = None  # of the objective, where a race stopped before all pairs were scored
