"""The stage transfer: shipped winners meet on whole clips, and what is kept is not replaced."""

import json
import shutil
from dataclasses import replace
from functools import partial

import pytest
from conftest import Toy, noise_clip

from experiments.reproduce import renewal, stages
from experiments.reproduce import transfer as transfer_module
from experiments.reproduce.transfer import SHIPPED, WORK, tournaments
from schedsearch.comparison.contest import Settings
from schedsearch.schedules.files import Layout, write_schedule
from schedsearch.schedules.formulas import linear, log_snr_line
from schedsearch.transfer import universal_candidates
from schedsearch.transfer.matrix import COLUMNS
from schedsearch.transfer.tournament import open_tournament
from schedsearch.voice.config import Voice, load_voice
from vocoder.audio.reading import write_wav
from vocoder.errors import InputError

LONG = 28_800  # samples: longer than a transfer's usual excerpt
OLD = log_snr_line(3, 10.0, 5.0)  # sampling begins where speech is still loud: every choice is better


@pytest.fixture
def voices(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> list[Voice]:
    """Two voices with shipped winners of 2 and 3 steps, and an earlier universal schedule of 3."""
    monkeypatch.chdir(toy.root)
    monkeypatch.setattr(transfer_module, "EXPERIMENTS", toy.root)
    monkeypatch.setattr(transfer_module, "Settings", partial(Settings, objective="spectral", metrics=("lsd",)))
    monkeypatch.setattr(universal_candidates, "lines", lambda space: [])
    for module in ("comparison.entrants", "transfer.universal_candidates"):
        monkeypatch.setattr(f"schedsearch.{module}.baselines", lambda n, own=(): {"linear": linear(n, 1e-4, 0.5)})
    monkeypatch.setattr(renewal, "universal_schedules", lambda: {"universal-3": OLD})
    monkeypatch.setattr("schedsearch.metrics.mos.installed", lambda: False)
    renewal.PACKAGE.parent.mkdir(parents=True)
    write_wav(toy.root / "held_out" / "long.wav", noise_clip("long", LONG, seed=9).audio, 16000)
    (toy.root / "none.pt").touch()
    (toy.root / "other.toml").write_text((toy.root / "toy.toml").read_text())
    found = [load_voice(name, experiments=toy.root) for name in ("toy", "other")]
    for place, voice in enumerate(found):
        for n in (2, 3):
            path = SHIPPED / voice.label / f"{n}iters" / "schedule.json"
            path.parent.mkdir(parents=True)
            write_schedule(log_snr_line(n, 9.0 - place, -3.0), path, layout=Layout.JSON)
    monkeypatch.setattr(stages, "voices", lambda: found)
    monkeypatch.setattr(stages, "JUDGED", {2: 2, 3: 1})
    return found


def test_whole_clips_are_heard_in_the_draws_of_each_length_and_a_second_call_samples_nothing(voices, toy, capsys):
    for tournament, draws in zip(tournaments(voices, {2: 2, 3: 1}), (2, 1), strict=True):
        assert [scoring.draws for scoring in tournament.held_out.values()] == [draws, draws]
        assert max(len(clip.audio) for clip in tournament.held_out["toy/16000hz"].clips) == LONG
    assert capsys.readouterr().out.splitlines()[0].endswith("install it first with make mos")
    calls = len(toy.vocoder.rows)
    list(tournaments(voices, {2: 2, 3: 1}))
    assert len(toy.vocoder.rows) == calls > 0
    assert "3 steps: at most 0 network evaluations" in capsys.readouterr().out


@pytest.mark.parametrize("better", [True, False])
def test_the_stage_ships_matrices_and_the_universal_schedules_that_are_decided(voices, monkeypatch, better):
    monkeypatch.setattr(renewal.Renewal, "is_better", better)
    stages.STAGES["transfer"].run()
    names = {path.name for path in (SHIPPED / "transfer").iterdir()}
    assert {"matrix-2.csv", "matrix-3.csv", "transfer.md", "universal-2.pt", renewal.PAGE} <= names
    assert ("universal-3.pt" in names) == better
    assert list(json.loads(renewal.PACKAGE.read_text())) == ["universal-2", *(["universal-3"] if better else [])]
    assert (WORK / "results/shipped/toy/16000hz/3iters/schedule.json").is_file()


def test_lengths_that_are_not_judged_stay_and_the_overview_has_what_is_there(voices):
    folder = SHIPPED / "transfer"
    folder.mkdir()
    for name in ("matrix-100.csv", "transfer-100.md", "universal-100.pt"):
        (folder / name).write_text(",".join(COLUMNS))
    stages.STAGES["transfer"].run()
    assert len(list(folder.glob("*-100.*"))) == 3  # pages name them
    assert "| what a voice takes | 2 steps | 3 steps |" in (folder / "transfer.md").read_text()


def test_a_table_of_fewer_voices_is_refused_before_anything_is_sampled(voices, toy, monkeypatch):
    def without_one(*given):
        opened = open_tournament(*given)
        first, *others = opened.participants
        return replace(opened, participants=(replace(first, winners={}), *others))

    monkeypatch.setattr(transfer_module, "open_tournament", without_one)
    with pytest.raises(InputError, match="a table of 2 steps must have every voice, and toy/16000hz has no winner"):
        stages.STAGES["judge"].run()
    assert toy.vocoder.rows == []


def test_winners_of_other_weights_in_lengths_that_are_not_judged_are_no_matter(voices):
    facts = {"identity": {"checkpoint": "other weights"}}
    path = SHIPPED / voices[0].label / "5iters" / "schedule.json"
    path.parent.mkdir(parents=True)
    write_schedule(log_snr_line(5, 9.0, -3.0), path, layout=Layout.JSON, provenance=facts)
    stages.STAGES["transfer"].run()
    assert (SHIPPED / "transfer" / "matrix-3.csv").is_file()


def test_a_length_without_winners_is_refused_before_anything_is_sampled(voices, toy):
    shutil.rmtree(SHIPPED / voices[0].label / "3iters")
    with pytest.raises(InputError, match="winners of 3 iterations"):
        stages.STAGES["judge"].run()
    assert toy.vocoder.rows == []
