"""A choice that scores little is the choice that scoring everything makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedsearch.comparison.entrants import Entrant
from schedsearch.comparison.scoring import Scoring
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import Metric
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.transfer.minimax import Choice, Decision, Jury
from schedsearch.transfer.participants import Participant
from schedsearch.transfer.universal_candidates import UniversalCandidate
from schedsearch.voice.config import load_voice

SCHEDULES = [log_snr_line(3, 6.0 + i / 2, -3.0) for i in range(9)]
NATIVE = log_snr_line(3, 5.0, -1.0)  # each voice's own winner, of score 2
LABELS = ("demo/16000hz", "june-16k/16000hz", "kathleen-22k/22050hz")


@dataclass
class Searched:
    """Stands in for a scoring: tells the scores that it was asked to hear."""

    truth: Mapping[NoiseSchedule, float]
    direction: Any = "minimize"
    heard: list[NoiseSchedule] = field(default_factory=list)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("m", "1", self.direction, lambda references, estimates: []),)

    def knows(self, schedule: NoiseSchedule) -> bool:
        return schedule in self.heard

    def scores(self, schedule: NoiseSchedule) -> dict[str, Score]:
        assert schedule in self.heard
        return {"m": Score(np.array([[self.truth[schedule]]]), ("NaN",) * int(np.isnan(self.truth[schedule])))}


def voice(label: str) -> Participant:
    dataset, rate = label.removesuffix("hz").split("/")
    return Participant(load_voice(dataset, int(rate)), {3: Entrant("own", "searched", "", NATIVE)})


VOICES = [voice(label) for label in LABELS]
CANDIDATES = [UniversalCandidate(f"c{i}", schedule) for i, schedule in enumerate(SCHEDULES)]


def jury(losses: np.ndarray, *, natives: Mapping[str, float] | None = None, direction: str = "minimize") -> Jury:
    """Of losses [voice, candidate] beside own winners of score 2."""
    scorings = {}
    for label, row in zip(LABELS, losses, strict=True):
        sign = 1 if direction == "minimize" else -1
        truth = {s: 2 * (1 + sign * loss) for s, loss in zip(SCHEDULES, row, strict=False)}
        scorings[label] = Searched(truth | {NATIVE: (natives or {}).get(label, 2.0)}, direction)
    return Jury(3, cast(Mapping[str, Scoring], scorings))


def decided(asked: Jury, decisions: list[Decision]) -> tuple[list[Choice | None], int]:
    """The choices, and how many candidates were heard in all."""
    scorings = cast(Mapping[str, Searched], asked.scorings)
    for judge, entrant in asked.hearings(decisions):
        assert entrant.schedule not in scorings[judge.label].heard  # nothing twice
        scorings[judge.label].heard.append(entrant.schedule)
    heard = sum(schedule != NATIVE for scoring in scorings.values() for schedule in scoring.heard)
    return [asked.choice(decision) for decision in decisions], heard


tables = st.lists(
    st.lists(st.sampled_from([-0.02, 0.0, 0.01, 0.02, 0.03, 0.05, 0.2, np.nan]), min_size=5, max_size=5),
    min_size=3, max_size=3,
)  # fmt: skip


@pytest.mark.slow
@given(tables, st.sampled_from(["minimize", "maximize"]))
def test_the_choice_is_that_of_all_candidates_on_all_voices(table, direction):
    losses = np.array(table)
    everything = Decision(CANDIDATES[:5], VOICES)
    some = Decision(CANDIDATES[1:4], VOICES[1:])
    found, _ = decided(jury(losses, direction=direction), [everything, some])
    for choice, shown, names in zip(found, (losses, losses[1:, 1:4]), (range(5), range(1, 4)), strict=True):
        ranks = [(max(column), np.mean(column)) for column in np.where(np.isnan(shown), np.inf, shown).T]
        if choice is None:  # every candidate fails on some voice
            assert min(ranks)[0] == np.inf
            continue
        assert min(ranks)[0] < np.inf
        at = int(choice.candidate.name[1:]) - names[0]
        assert (*choice.losses.values(),) == pytest.approx(np.where(np.isnan(shown), np.inf, shown)[:, at])
        assert ranks[at] == pytest.approx(min(ranks))


def test_what_is_hopeless_on_one_voice_is_not_heard_by_the_others():
    losses = np.tile([0.01, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 2.0, 3.0], (3, 1))
    [choice], heard = decided(jury(losses), [Decision(CANDIDATES, VOICES)])
    assert choice is not None and choice.candidate is CANDIDATES[0]
    assert heard == 9 + 2


def test_who_judges_hardest_is_asked_first():
    losses = np.array([[0.01] * 9, [0.01] * 9, [0.02, *[0.5] * 8]])
    _, heard = decided(jury(losses), [Decision(CANDIDATES, VOICES)])
    assert heard <= 9 + 2 + 2 + 8


def test_a_voice_without_a_sound_winner_has_no_say_and_hears_nothing():
    losses = np.array([[0.3, 0.0], [0.0, 0.3], [0.0, 0.1]])
    asked = jury(losses, natives={"demo/16000hz": float("nan")})
    [choice], _ = decided(asked, [Decision(CANDIDATES[:2], VOICES)])
    assert choice is not None and choice.candidate is CANDIDATES[0]
    assert list(choice.losses) == list(LABELS[1:])
    assert cast(Searched, asked.scorings["demo/16000hz"]).heard == [NATIVE]


def test_without_voices_or_candidates_nothing_is_chosen():
    found, heard = decided(jury(np.zeros((3, 9))), [Decision([], VOICES), Decision(CANDIDATES, [])])
    assert (found, heard) == ([None, None], 0)


def test_the_worst_voice_of_a_choice_is_named():
    assert Choice(CANDIDATES[0], {"a": 0.01, "b": 0.03, "c": -0.1}).worst == ("b", 0.03)
