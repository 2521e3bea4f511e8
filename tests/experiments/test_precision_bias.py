"""What a faster precision does to scores: failed clips, too few clips, and rows of other measurements."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments import precision_bias as study
from schedsearch.evaluation.scores import Score
from vocoder.errors import InputError

NOT_A_NUMBER = float("nan")
SHIPPED = study.FOLDER


@pytest.fixture
def measured(tmp_path, monkeypatch) -> list[int]:
    """Number of clips of each measurement, on two voices of five clips; float32 scores 1, the other precisions 2."""
    counts: list[int] = []

    class Evaluator:
        def __init__(self, vocoder, clips, judges, noise) -> None:
            counts.append(len(clips))
            self.values = np.array([[1.0 if vocoder.precision is None else 2.0]] * len(clips)) + ramp(len(clips))

        def evaluate(self, schedules, draws):
            return [SimpleNamespace(scores={"pesq_wb": Score(self.values)})]

    vocoder = SimpleNamespace(weights_hash="0" * 64, front_end=None, sample_rate=16000, precision=None)
    monkeypatch.setattr(study, "FOLDER", tmp_path)
    monkeypatch.setattr(study, "VOICES", (("a", 16000), ("b", 16000)))
    monkeypatch.setattr(study, "STEPS", (6,))
    monkeypatch.setattr(study, "load_voice", lambda dataset, rate: dataset)
    monkeypatch.setattr(study, "open_vocoder", lambda voice: vocoder)
    monkeypatch.setattr(study, "held_out_clips", lambda voice, vocoder, seconds: tuple("abcde"))
    monkeypatch.setattr(study, "metrics_for", lambda *_, **__: {})
    monkeypatch.setattr(study, "objective", lambda name, metrics: name)
    in_plan = {None: vocoder} | dict.fromkeys(study.PLANS[1:], SimpleNamespace(precision="bfloat16"))
    monkeypatch.setattr(study, "_in_plan", lambda vocoder, plan: in_plan[plan])
    monkeypatch.setattr(study, "Evaluator", Evaluator)
    return counts


def ramp(clips: int) -> np.ndarray:
    return np.arange(clips, dtype=float)[:, None]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "bias.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("clips", ["1", "0", "-3"])
def test_fewer_than_two_clips_are_refused_before_anything_begins(measured, tmp_path, capsys, clips):
    assert study.main(["--clips", clips]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("precision_bias: ") and f"--clips is {clips}" in line
    assert not measured and not list(tmp_path.iterdir())


def test_a_voice_without_clips_leaves_the_table_as_it_was(measured, tmp_path, monkeypatch):
    assert study.main(["--clips", "3"]) == 0
    before = (tmp_path / "bias.csv").read_bytes()

    def clips(voice, vocoder, seconds):
        if voice == "b":
            raise InputError("no clips")
        return tuple("abcde")

    monkeypatch.setattr(study, "held_out_clips", clips)
    assert study.main(["--clips", "4"]) == 2
    assert (tmp_path / "bias.csv").read_bytes() == before


def test_a_run_with_the_same_numbers_measures_nothing_again(measured, tmp_path):
    assert study.main(["--clips", "3"]) == study.main(["--clips", "3"]) == 0
    assert measured == [3] * 2 * len(study.PLANS)
    assert {row["difference"] for row in rows(tmp_path)} == {"1"}


@pytest.mark.parametrize(("options", "clips"), [(["--clips", "4"], "4"), (["--clips", "3", "--seconds", "0.5"], "3")])
def test_rows_of_other_clips_or_seconds_are_measured_again(measured, tmp_path, options, clips):
    assert study.main(["--clips", "3"]) == 0
    assert study.main(options) == 0
    assert len(measured) == 2 * 2 * len(study.PLANS)
    assert len(rows(tmp_path)) == 2 * len(study.PLANS[1:])
    assert {row["clips"] for row in rows(tmp_path)} == {clips}


def test_what_was_shipped_without_its_seconds_is_measured_again(measured, tmp_path):
    (tmp_path / "bias.csv").write_text("dataset,rate,steps,metric,clips\na,16000,6,pesq_wb,5\nb,16000,6,pesq_wb,5\n")
    assert study.main([]) == 0
    assert measured == [5] * 2 * len(study.PLANS)
    assert {row["seconds"] for row in rows(tmp_path)} == {"2"}


def of_plans(full: list[float], fast: list[float]) -> dict[int | None, dict[str, Score]]:
    def score(values: list[float]) -> dict[str, Score]:
        failures = tuple("no speech" for value in values if np.isnan(value))
        return {"pesq_wb": Score(np.array(values)[:, None], failures)}

    return {plan: score(full if plan is None else fast) for plan in study.PLANS}


def test_a_clip_that_fails_in_either_precision_is_left_out():
    failing = list(study._rows(of_plans([1.0, NOT_A_NUMBER, 2.0, 4.0], [1.5, 7.0, 2.25, NOT_A_NUMBER])))
    sound = list(study._rows(of_plans([1.0, 2.0], [1.5, 2.25])))
    assert failing == sound
    assert {row["compared"] for row in failing} == {2}
    assert failing[0]["difference"] == pytest.approx(0.375)
    assert failing[0]["float32"] == 1.5


def test_the_page_says_where_clips_failed(tmp_path):
    all_rows = [
        {"dataset": dataset, "rate": 16000, "steps": 6, "clips": 4, **row}
        for dataset, full in (("a", [1.0, 2.0, 3.0, 4.0]), ("b", [NOT_A_NUMBER, 2.0, 3.0, 4.0]))
        for row in study._rows(of_plans(full, [2.0, 3.0, 4.0, 5.0]))
    ]
    all_rows += [
        {"dataset": "c", "rate": 16000, "steps": 6, "clips": 4, **row}
        for row in study._rows(of_plans([1.0] + 3 * [NOT_A_NUMBER], [2.0] * 4))
    ]
    study._write(tmp_path / "bias.md", pd.DataFrame(all_rows))
    gap = "+1.0000 [+1.0000, +1.0000]"
    assert f"| {gap} | {gap} (3 of 4 clips) | too few clips |" in (tmp_path / "bias.md").read_text()


def test_the_shipped_table_makes_the_shipped_page(tmp_path):
    study._write(tmp_path / "bias.md", pd.read_csv(SHIPPED / "bias.csv"))
    assert (tmp_path / "bias.md").read_bytes() == (SHIPPED / "bias.md").read_bytes()
