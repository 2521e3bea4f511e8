"""Stages run in their order, what they took is stored, and what cannot be is refused in one line."""

import csv
import itertools
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import Toy

from experiments.reproduce import stages
from experiments.reproduce.__main__ import LOG, main
from experiments.reproduce.judge import NEEDS, check_installed
from experiments.reproduce.seeds import write_seeds
from experiments.reproduce.stages import STAGES, VOICES, Stage, search_folder
from experiments.reproduce.transfer import WORK
from schedsearch.transfer.participants import Participant
from schedsearch.voice.config import Training, load_voice
from vocoder.errors import InputError


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which stages ran; each only says so, and "transfer" fails."""
    names: list[str] = []

    def stage(name: str) -> Stage:
        def run() -> None:
            names.append(name)
            if name == "transfer":
                raise InputError("no winners")

        return Stage("a part", run)

    for name in STAGES:
        monkeypatch.setitem(STAGES, name, stage(name))
    monkeypatch.chdir(tmp_path)
    return names


def stored() -> dict[str, dict[str, str]]:
    with LOG.open(newline="") as file:
        return {row["stage"]: row for row in csv.DictReader(file)}


def test_stages_run_in_their_order_whatever_order_they_are_named_in(begun):
    assert main(["voices", "searches"]) == 0
    assert begun == ["searches", "voices"]  # a voice's table has what its search ships
    assert list(stored()) == ["searches", "voices"]
    assert all(row["processor"] and row["commit"] for row in stored().values())


def test_a_stage_that_fails_ends_the_run_and_is_not_stored(begun, capsys):
    assert main([]) == 2
    assert begun == ["searches", "voices", "transfer"]
    assert "transfer" not in stored()
    assert capsys.readouterr().err == "reproduce: no winners\n"


def test_ctrl_c_is_one_line(begun, capsys, monkeypatch):
    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(STAGES, "voices", Stage("a part", stop))
    assert main(["voices"]) == 130
    assert capsys.readouterr().err == "reproduce: stopped\n"


def test_hours_add_up_also_those_of_a_run_that_failed_until_the_stored_values_go(begun, monkeypatch):
    clock = itertools.count(0, 3600)  # each run takes an hour
    monkeypatch.setattr("experiments.reproduce.__main__.time", SimpleNamespace(monotonic=lambda: next(clock)))
    main(["transfer"])
    monkeypatch.setitem(STAGES, "transfer", STAGES["voices"])  # which does not fail
    main(["transfer"])
    assert float(stored()["transfer"]["hours"]) == 2
    shutil.rmtree(WORK)
    main(["transfer"])
    assert float(stored()["transfer"]["hours"]) == 1


def test_an_unknown_stage_is_refused_before_any_runs(begun, capsys):
    assert main(["voices", "musik"]) == 2
    assert begun == []
    assert "'musik'" in capsys.readouterr().err


def test_what_a_stage_lacks_is_said_before_any_stage_runs(begun, capsys, monkeypatch):
    monkeypatch.setattr("schedsearch.metrics.mos.installed", lambda: False)
    monkeypatch.setitem(STAGES, "judge", replace(STAGES["judge"], check=check_installed))
    assert main(["voices", "judge"]) == 2
    assert begun == []
    assert capsys.readouterr().err.splitlines() == [f"reproduce: {NEEDS}"]
    assert "make mos" in NEEDS


def test_a_voice_without_clips_stops_what_would_ship_tables_of_fewer_voices(capsys, monkeypatch):
    kathleen = "kathleen-22k at 22050 Hz has no clips (python -m obtain)"
    monkeypatch.setattr(stages, "find_participants", lambda *_: ([], [kathleen]))
    for stage in ("searches", "transfer", "strangers transfer"):  # make gives STAGE="one two" as one word
        assert main([stage]) == 2
        assert kathleen in capsys.readouterr().err


def test_a_users_own_voice_has_no_part_in_what_is_shipped(monkeypatch):
    places = (label.removesuffix("hz").split("/") for label in VOICES)
    ours = [load_voice(dataset, int(rate)) for dataset, rate in places]
    own = replace(ours[0], dataset="mine")
    monkeypatch.setattr(stages, "find_participants", lambda *_: ([Participant(v, {}) for v in (own, *ours)], []))
    assert [voice.label for voice in stages.voices()] == list(VOICES)


def test_training_seeds_are_refused_without_recordings_and_judged_at_all_lengths_on_whole_clips(tmp_path, monkeypatch):
    voice, given = load_voice("demo", 8000), list[str]()

    def train(words: list[str]) -> int:
        given.extend(words)
        return 0

    monkeypatch.setattr(stages, "training_seeds", train)
    training = Training(tmp_path / "none", "python -m obtain", {})
    monkeypatch.setattr(stages, "load_voice", lambda *_: replace(voice, training=training))
    with pytest.raises(InputError, match="obtain: python -m obtain"):
        STAGES["seeds"].check()
    training.audio.mkdir()
    STAGES["seeds"].check()
    STAGES["seeds"].run()
    assert {"--iters=6 12 25 50", "--seconds=10", "--steps=12000"} <= set(given)


def test_each_voice_and_seed_has_a_results_folder_of_its_own():
    places = {search_folder(load_voice("demo", rate), seed) for rate in (16000, 8000) for seed in (0, 1)}
    assert len(places) == 4


def test_the_spread_over_seeds_stands_beside_that_over_clips(toy: Toy, tmp_path: Path):
    for seed in (0, 1):
        results = str(tmp_path / str(seed))
        assert toy.search("--budget", "5candidates", "--seed", str(seed), "--results", results) == 0
        same = shutil.copytree(tmp_path / str(seed) / "toy", tmp_path / str(seed) / "twin") / "16000hz/6iters/run.json"
        same.write_text(same.read_text().replace('"dataset": "toy"', '"dataset": "twin"'))
    folders = {seed: [tmp_path / str(seed) / name / "16000hz" for name in ("toy", "twin")] for seed in (0, 1)}
    write_seeds(folders, tmp_path / "seeds")
    with (tmp_path / "seeds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["seed"] for row in rows] == ["0", "1"] * 2
    means = [float(row["mean"]) for row in rows[:2]]
    deviation = abs(means[0] - means[1]) / 2**0.5  # of two values
    lines = (tmp_path / "seeds.md").read_text().splitlines()[2:]
    voice, _, together = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert voice[:5] == ["toy/16000hz", "6", "2", f"{sum(means) / 2:.3f}", f"{deviation:.3f}"]
    assert together == ["all voices", "6", "4", "", *voice[4:]]
