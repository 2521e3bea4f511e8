"""An evaluator without a vocoder: search and store are tested with scores that are known beforehand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.schedules.schedule import NoiseSchedule


@dataclass(frozen=True)
class FakeEvaluator:
    """Takes its scores from a function of a schedule and a noise draw: one value a clip, NaN for a failure."""

    values: Callable[[NoiseSchedule, int], Any]
    clip_names: tuple[str, ...] = ("a", "b")
    metric: str = "log_mel_l1"
    seconds: float = 60.0  # of each schedule, as network_evaluations
    network_evaluations: int = 12
    before: Callable[[Sequence[NoiseSchedule]], None] = lambda schedules: None  # may wait, write down, or raise

    def evaluate(
        self, schedules: Sequence[NoiseSchedule], draws: Sequence[int], *, shared: bool = False
    ) -> list[Evaluation]:
        self.before(schedules)
        return [self._one(schedule, draws) for schedule in schedules]

    def _one(self, schedule: NoiseSchedule, draws: Sequence[int]) -> Evaluation:
        values = np.column_stack([np.asarray(self.values(schedule, draw), dtype=np.float64) for draw in draws])
        silent = [(clip, draw) for clip, row in zip(self.clip_names, values, strict=True)
                  for draw, value in zip(draws, row, strict=True) if np.isnan(value)]  # fmt: skip
        failures = tuple(f"{clip}, draw {draw}: silent" for clip, draw in silent)
        return Evaluation({self.metric: Score(values, failures)}, self.seconds, self.network_evaluations)


IDEAL = np.array([9.0, 3.0, -3.0])  # log-SNR


def by_distance(schedule: NoiseSchedule, draw: int = 0) -> list[float]:
    """Two clips that like the schedule best whose levels are the ideal ones."""
    distance = float(np.square(schedule.log_snr - IDEAL).mean())
    return [distance, distance + 1]
