"""An earlier universal schedule keeps its name unless the one that is chosen now is better."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from torch import Tensor

from experiments.reproduce import renewal
from schedsearch.evaluation.bootstrap import Array
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.measuring import Measured
from schedsearch.metrics.registry import Metric
from schedsearch.schedules.files import read_schedule
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.named import _entries
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.transfer.minimax import Choice
from schedsearch.transfer.participants import Participant
from schedsearch.transfer.tournament import Tournament
from schedsearch.transfer.universal_candidates import Origin, UniversalCandidate
from schedsearch.voice.config import load_voice

OLD, NEW, WITHOUT_SPEAKER, WITHOUT_DIALECT = (log_snr_line(3, 8.0 + i, -3.0) for i in range(4))
CLIPS = np.linspace(3.0, 5.0, 8)  # the earlier schedule's values
BETTER, WORSE, TIE = CLIPS - 0.2, CLIPS + 0.2, CLIPS - 0.01 + np.tile([0.3, -0.3], 4)
FAILS = np.where(np.arange(8) == 0, np.nan, BETTER)


def _unused(references: Tensor, estimates: Tensor) -> Measured:
    raise AssertionError("all values are known")


@dataclass(frozen=True)
class Scored:
    """Stands in for a scoring whose values are all known."""

    values: Mapping[NoiseSchedule, Array]
    metrics: tuple[Metric, ...]

    @property
    def clips(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=f"clip {place}") for place in range(len(CLIPS))]

    def steps(self, entrants: object) -> Iterator[tuple[float, str]]:
        yield 1.0, ""

    def scores(self, schedule: NoiseSchedule) -> dict[str, Score]:
        values = self.values[schedule][:, None]
        return {self.metrics[0].name: Score(values, ("NaN audio",) * int(np.isnan(values).sum()))}


@dataclass(frozen=True)
class Decided:
    """Stands in for a tournament of two voices that has chosen `chosen` of all, and two others without one of them."""

    held_out: Mapping[str, Scored]
    participants: tuple[Participant, ...]
    chosen: NoiseSchedule
    kept: Mapping[int, UniversalCandidate] = field(default_factory=dict)
    lengths: tuple[int, ...] = (3,)

    @property
    def choices(self) -> dict[int, Choice]:
        return {3: Choice(self.kept.get(3) or UniversalCandidate("a line", self.chosen), {"a/16000hz": 0.0})}

    @property
    def choices_of_others(self) -> dict[tuple[int, Origin], Choice]:
        named = {Origin(speaker=voice.voice.speaker): WITHOUT_SPEAKER for voice in self.participants}
        named |= {Origin(dialect=voice.dialect): WITHOUT_DIALECT for voice in self.participants}
        return {(3, origin): Choice(UniversalCandidate("a line", s), {}) for origin, s in named.items()}

    def choosing(self) -> Iterator[tuple[float, str]]:
        return iter(())


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table with the earlier schedule, which is also what the program knows."""
    monkeypatch.setattr(renewal, "universal_schedules", lambda: {"universal-3": OLD})
    path = tmp_path / "universal.json"
    entry = {"source": "earlier", "voices": ["a/16000hz"], "betas": OLD.betas.tolist()}
    path.write_text(json.dumps({"universal-3": entry}))
    return path


def tournament(speaker: Array, dialect: Array, *, direction: Any = "minimize") -> Tournament:
    """One in which what was chosen without a speaker, or without a dialect, has these values [clip]."""
    metric = Metric("spectral", "1", direction, _unused)
    values = {OLD: CLIPS, WITHOUT_SPEAKER: speaker, WITHOUT_DIALECT: dialect}
    voices = [Participant(load_voice(name, 16000), {}, dialect=name) for name in ("demo", "june-16k")]
    held_out = {voice.label: Scored(values, (metric,)) for voice in voices}
    return cast(Tournament, Decided(held_out, tuple(voices), NEW))


def ships(asked: Tournament, folder: Path, package: Path) -> NoiseSchedule:
    """The universal schedule after the decision, in the package's table."""
    renewal.ship(renewal.settled(asked), folder, package)
    return NoiseSchedule(json.loads(package.read_text())["universal-3"]["betas"])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / renewal.TABLE).open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_that_is_better_takes_the_name_everywhere(tmp_path, package):
    folder, before = tmp_path / "transfer", _entries("universal")
    assert ships(tournament(BETTER, BETTER), folder, package) == NEW
    # Read again, or later stages of the same run would have the earlier one among their baselines.
    assert _entries("universal") is not before
    assert read_schedule(folder / "universal-3.json") == NEW
    assert json.loads((folder / "universal.json").read_text())["universal-3"]["betas"] == NEW.betas.tolist()
    assert {row["ships"] for row in rows(folder)} == {"new"}


@pytest.mark.parametrize(
    ("speaker", "dialect"),
    [(TIE, TIE), (WORSE, WORSE), (BETTER, TIE), (TIE, BETTER), (BETTER, FAILS)],
    ids=["tie", "worse", "not without the dialect", "not without the speaker", "fails more often"],
)
def test_any_other_leaves_files_and_table_as_they_are(tmp_path, package, speaker, dialect):
    folder, before = tmp_path / "transfer", package.read_bytes()
    assert ships(tournament(speaker, dialect), folder, package) == OLD
    assert package.read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == [renewal.TABLE, renewal.PAGE]
    assert {row["ships"] for row in rows(folder)} == {"earlier"}


def test_what_is_kept_stands_in_the_tournament_under_its_name():
    assert renewal.settled(tournament(TIE, TIE)).kept[3].schedule == OLD
    assert renewal.settled(tournament(BETTER, BETTER)).kept == {}


def test_where_more_is_better_a_higher_score_is_a_gain(tmp_path, package):
    asked = tournament(WORSE, WORSE, direction="maximize")  # higher values than the earlier one's
    assert ships(asked, tmp_path / "transfer", package) == NEW


def test_the_page_has_the_loss_over_all_voices_and_of_each(tmp_path, package):
    ships(tournament(BETTER, BETTER), tmp_path, package)
    whole = [row for row in rows(tmp_path) if row["voice"] == renewal.ALL]
    assert [(row["left_out"], row["clips"]) for row in whole] == [("speaker", "16"), ("dialect", "16")]
    assert float(whole[0]["loss"]) == pytest.approx(-0.05)  # 0.2 of 4
    page = (tmp_path / renewal.PAGE).read_text()
    assert "| 3 | speaker | june-16k/16000hz | −5.0 % [−5.0 %, −5.0 %] | 8 | new |" in page


def test_an_utterance_of_one_speaker_counts_once_whatever_her_voices(tmp_path, package):
    asked = cast(Any, tournament(TIE, TIE))
    at_8_khz = Participant(load_voice("demo", 8000), {}, dialect="demo at 8 kHz")
    known = dict(asked.held_out)
    both = replace(
        asked,
        participants=(*asked.participants, at_8_khz),
        held_out=known | {at_8_khz.label: known["demo/16000hz"]},
    )
    ships(cast(Tournament, both), tmp_path, package)
    clips = {row["voice"]: row["clips"] for row in rows(tmp_path) if row["left_out"] == "speaker"}
    assert clips == {renewal.ALL: "16", "demo/16000hz": "8", "june-16k/16000hz": "8", "demo/8000hz": "8"}
    losses = renewal.renewals(cast(Tournament, both))[0].utterances("speaker")
    assert sorted(losses) == pytest.approx(sorted(2 * list((TIE - CLIPS) / 4.0)))


def test_a_schedule_that_is_chosen_once_more_keeps_its_file_and_is_kept_no_longer(tmp_path, package):
    folder = tmp_path / "transfer"
    ships(tournament(TIE, TIE), folder, package)
    assert renewal.kept_lengths(folder) == {3}
    before = package.read_bytes()
    again = replace(cast(Any, tournament(TIE, TIE)), chosen=OLD)
    assert ships(cast(Tournament, again), folder, package) == OLD
    assert package.read_bytes() == before
    assert renewal.kept_lengths(folder) == set()


def test_a_second_run_which_finds_nothing_else_leaves_the_reason_of_the_first(tmp_path, package, monkeypatch):
    ships(tournament(BETTER, BETTER), tmp_path / "transfer", package)
    first = {path.name: path.read_bytes() for path in (tmp_path / "transfer").iterdir()}
    monkeypatch.setattr(renewal, "universal_schedules", lambda: {"universal-3": NEW})
    assert ships(tournament(BETTER, BETTER), tmp_path / "transfer", package) == NEW
    assert {path.name: path.read_bytes() for path in (tmp_path / "transfer").iterdir()} == first


def test_a_length_that_had_none_gets_one(tmp_path, package, monkeypatch):
    monkeypatch.setattr(renewal, "universal_schedules", dict)
    package.unlink()
    assert ships(tournament(WORSE, WORSE), tmp_path / "transfer", package) == NEW
