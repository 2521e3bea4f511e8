"""A voice beside Griffin-Lim: a row a method, kept as long as the checkpoint is the same."""

import csv
from pathlib import Path

import numpy as np
import pytest
from conftest import Toy

from experiments import voice_table
from schedsearch.evaluation.scores import Score
from schedsearch.schedules.files import Layout, write_schedule
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.voice.config import load_voice

METHODS = ["Griffin-Lim 32", "ivanvovk-6", *voice_table.SCHEDULES]


@pytest.fixture
def made(toy: Toy, monkeypatch: pytest.MonkeyPatch):
    """Makes the table of the toy voice with these options, and returns its rows."""
    voice = load_voice("toy", None, experiments=toy.root)
    monkeypatch.setattr(voice_table, "load_voice", lambda *_: voice)
    monkeypatch.setattr(voice_table, "load_vocoder", lambda checkpoint, config: toy.vocoder)
    monkeypatch.setattr(voice_table, "SHIPPED", toy.root / "shipped")
    monkeypatch.setattr(voice_table, "_griffin_lim_scores", resynthesis)  # the toy's mel is none of ivanvovk's

    def make(*options: str) -> list[dict[str, str]]:
        assert voice_table.main(["toy", *options]) == 0
        with table_of(toy.root).open(newline="") as file:
            return list(csv.DictReader(file))

    return make


def resynthesis(_, clips, metrics) -> dict[str, Score]:
    values = np.arange(1.0, len(clips) + 1)[:, None]
    return {metric.name: Score(values) for metric in metrics}


def table_of(root: Path) -> Path:
    return root / "shipped" / "toy" / "16000hz" / "voice.csv"


def test_every_method_has_a_row_with_a_mean_an_error_and_its_clips(made, toy):
    rows = made("--clips", "2", "--long-clips", "1")
    assert [row["method"] for row in rows] == METHODS
    assert [row["clips"] for row in rows] == ["2"] * 7 + ["1"]
    assert all(float(row["log_mel_l1_se"]) > 0 for row in rows[:-1])
    told = table_of(toy.root).with_suffix(".md").read_text().splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in told[2:]] == METHODS


def test_without_long_clips_there_is_no_row_of_1000_steps_until_there_are_some(made):
    assert [row["method"] for row in made("--clips", "2", "--long-clips", "0")] == METHODS[:-1]
    assert [row["method"] for row in made("--clips", "2", "--long-clips", "1")] == METHODS


def test_what_was_measured_is_kept_and_not_measured_again(made, toy, monkeypatch):
    before = made("--clips", "2", "--long-clips", "0")
    monkeypatch.setattr(voice_table, "_scores", lambda *_: pytest.fail("measured again"))
    assert made("--clips", "2", "--long-clips", "0") == before


def test_rows_of_another_number_of_clips_are_measured_anew_in_their_place(made):
    made("--clips", "1", "--long-clips", "1")
    rows = made("--clips", "2", "--long-clips", "0")
    assert [row["method"] for row in rows] == METHODS
    assert [row["clips"] for row in rows] == ["2"] * 7 + ["1"]


def test_the_schedule_that_ships_has_a_row_beside_the_published_one(made, toy):
    folder = table_of(toy.root).parent / "6iters"
    folder.mkdir(parents=True)
    write_schedule(log_snr_line(6, 9.0, -3.0), folder / "schedule.json", layout=Layout.JSON)
    methods = [row["method"] for row in made("--clips", "2", "--long-clips", "0")]
    assert methods == [*METHODS[:-1], "6 steps, as shipped"]


def test_another_schedule_that_ships_is_measured_in_place_of_the_last(made, toy):
    path = table_of(toy.root).parent / "6iters" / "schedule.json"
    path.parent.mkdir(parents=True)
    rows = []
    for low in (-3.0, 1.0):
        write_schedule(log_snr_line(6, 9.0, low), path, layout=Layout.JSON)
        rows.append(made("--clips", "2", "--long-clips", "0"))
    assert rows[0][:-1] == rows[1][:-1]
    assert rows[0][-1]["log_mel_l1_mean"] != rows[1][-1]["log_mel_l1_mean"]
