"""The independent judge: whether a metric that no search has seen orders schedules as the objective does."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from torch import Tensor

from experiments.reproduce.judge import OWN, PUBLISHED, Heard, all_heard, write_judgement
from schedsearch.comparison.entrants import Entrant
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.measuring import Measured
from schedsearch.metrics.registry import Metric
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.transfer.participants import Participant
from schedsearch.transfer.relations import STRANGERS, UNIVERSAL
from schedsearch.voice.config import load_voice

CLIPS = np.random.default_rng(0).normal(size=(8, 1))  # how hard each clip is, whatever the schedule
SCHEDULES = [log_snr_line(3, 8.0 + i, -3.0) for i in range(4)]
ENTRANTS = [
    Entrant("winner", "searched", "schedule.json", SCHEDULES[0]),
    Entrant("fastdiff-3", "baseline", "published", SCHEDULES[1]),
    Entrant("other-3", "baseline", "published", SCHEDULES[2]),
    Entrant("universal-3 without june", "given", STRANGERS, SCHEDULES[3]),
    Entrant("linear", "baseline", "formula or resampled", log_snr_line(3, 5.0, -1.0)),
]
LOSS = dict(zip(SCHEDULES, (1.0, 4.0, 3.0, 2.0), strict=True))


def _unused(references: Tensor, estimates: Tensor) -> Measured:
    raise AssertionError("all values are known")


@dataclass(frozen=True)
class Scored:
    """Stands in for a scoring whose values are all known."""

    opinions: Mapping[NoiseSchedule, float]

    @property
    def metrics(self) -> Sequence[Metric]:
        return (Metric("spectral", "1", "minimize", _unused), Metric("distill_mos", "MOS", "maximize", _unused))

    def scores(self, schedule: NoiseSchedule) -> dict[str, Score]:
        tables = {"spectral": LOSS, "distill_mos": self.opinions}
        return {name: Score(CLIPS + table.get(schedule, np.nan)) for name, table in tables.items()}


def heard(opinions: Mapping[NoiseSchedule, float], *, kept: bool = False) -> list[Heard]:
    voice = Participant(load_voice("june-16k"), {3: ENTRANTS[0]})
    tournament = SimpleNamespace(
        lengths=(3,), participants=(voice,), held_out={voice.label: Scored(opinions)}, entrants=lambda *_: ENTRANTS,
        kept={3: None} if kept else {},
    )  # fmt: skip
    return list(all_heard(tournament))  # type: ignore[arg-type]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_own_universal_and_best_published_are_told_apart_and_formulas_left_out():
    [one] = heard({schedule: -loss for schedule, loss in LOSS.items()})
    assert one.roles == {OWN: SCHEDULES[0], UNIVERSAL: SCHEDULES[3], PUBLISHED: SCHEDULES[2]}


def test_where_an_earlier_universal_schedule_is_kept_no_other_one_stands_for_it():
    [one] = heard({schedule: -loss for schedule, loss in LOSS.items()}, kept=True)
    assert one.roles == {OWN: SCHEDULES[0], PUBLISHED: SCHEDULES[2]}


def test_formulas_are_left_out():
    [one] = heard({schedule: -loss for schedule, loss in LOSS.items()})
    assert list(one.scores) == SCHEDULES


@pytest.mark.parametrize(("sign", "same", "verdict"), [(-1.0, "6", "better"), (1.0, "0", "worse")])
def test_opinions_that_order_as_the_objective_does_agree_and_reversed_ones_do_not(tmp_path, sign, same, verdict):
    write_judgement(heard({schedule: sign * loss for schedule, loss in LOSS.items()}), tmp_path)
    [rank] = rows(tmp_path / "ranks.csv")
    assert float(rank["spearman"]) == float(rank["spearman_low"]) == -sign
    assert (rank["told_apart"], rank["same"], int(rank["same"]) + int(rank["opposite"])) == ("6", same, 6)
    of_opinion = [row for row in rows(tmp_path / "order.csv") if row["metric"] == "distill_mos"]
    assert [(row["first"], row["verdict"]) for row in of_opinion] == [
        (OWN, verdict), (OWN, verdict), (UNIVERSAL, verdict)
    ]  # fmt: skip
    assert f"| own search over universal, june-16k/16000hz | better, {verdict} |" in (tmp_path / "judge.md").read_text()


def test_only_schedules_that_were_ranked_are_counted(tmp_path):
    opinions = {schedule: -loss for schedule, loss in LOSS.items()} | {SCHEDULES[2]: np.nan}
    write_judgement(heard(opinions), tmp_path)
    [rank] = rows(tmp_path / "ranks.csv")
    assert (rank["schedules"], rank["clips"]) == ("3", "8")
    assert ", 3 schedules |" in (tmp_path / "judge.md").read_text()


@pytest.mark.filterwarnings("ignore:All-NaN slice")  # there is no rank correlation
def test_opinions_that_do_not_differ_say_nothing(tmp_path):
    write_judgement(heard(dict.fromkeys(SCHEDULES, 3.0)), tmp_path)
    [rank] = rows(tmp_path / "ranks.csv")
    assert (rank["told_apart"], rank["same"], rank["opposite"]) == ("6", "0", "0")
    assert "| 3 | 6 | 6 | 0 | 0 | 6 |" in (tmp_path / "judge.md").read_text()
