"""Laws of a session of several parts: each has its limit, and none that fails stops the others."""

import csv
import sys
from dataclasses import replace

import pytest

from experiments.gpu_session import __main__ as session
from experiments.gpu_session.__main__ import Part, main, parts
from schedsearch.voice.config import Training, load_voice


def python(code: str, seconds: float = 60.0, name: str = "part") -> Part:
    return Part(name, [sys.executable, "-c", code], seconds)


@pytest.fixture
def planned(monkeypatch):
    """Makes a session of these parts, which trains on nothing."""
    monkeypatch.setattr(session, "check_recordings", lambda: None)
    return lambda *wanted: monkeypatch.setattr(session, "parts", lambda results, scratch, tiny: list(wanted))


def rows(results):
    with (results / "session.csv").open(newline="") as file:
        return [(row["part"], row["ended"]) for row in csv.DictReader(file)]


@pytest.mark.slow
def test_a_part_that_fails_or_takes_too_long_does_not_stop_the_next(tmp_path, planned):
    planned(
        python("raise SystemExit(3)", name="fails"),
        python("import time; time.sleep(600)", seconds=5.5, name="sleeps"),
        python("print('here')", name="works"),
    )
    assert main([str(tmp_path)]) == 1
    assert rows(tmp_path) == [("fails", "with status 3"), ("sleeps", "at its time limit"), ("works", "well")]
    assert "=== works\nhere" in (tmp_path / "log.txt").read_text()


def test_a_part_for_which_no_time_is_left_is_not_begun(tmp_path, planned):
    planned(python("print('here')"))
    assert main([str(tmp_path), "--minutes", "0.05"]) == 1
    assert rows(tmp_path) == [("part", "not begun: no time was left")]


def test_a_session_without_recordings_to_train_on_does_not_begin(tmp_path, monkeypatch, capsys):
    voice, training = load_voice("demo"), Training(tmp_path / "none", "python -m obtain", {})
    monkeypatch.setattr(session, "load_voice", lambda _: replace(voice, training=training))
    assert main([str(tmp_path / "results")]) == 2
    assert "obtain it: python -m obtain" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_all_well_is_status_0(tmp_path, planned):
    planned(python("pass"))
    assert main([str(tmp_path)]) == 0


def test_training_gets_the_time_that_is_left_less_what_its_end_needs(tmp_path):
    *others, training = parts(tmp_path, tmp_path / "scratch", tiny=False)
    assert sum(part.seconds for part in others) < 8 * 60 - 60
    command = training.command(60.0 + session.ENDING)
    assert float(command[command.index("--hours") + 1]) == pytest.approx(60 / 3600)


def test_a_folder_of_results_may_have_braces(tmp_path):
    results = tmp_path / "a{b}"
    training = parts(results, tmp_path / "scratch", tiny=True)[-1]
    command = training.command(60.0 + session.ENDING)
    assert str(results) in command
    assert float(command[command.index("--hours") + 1]) == pytest.approx(60 / 3600)
