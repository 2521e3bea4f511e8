"""A study keeps the precision that its first process chose, whoever joins or resumes it."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from conftest import noise_clip, stand_in

from schedsearch.cli import main
from schedsearch.search import opening
from schedsearch.study import store
from schedsearch.study.database import open_storage
from schedsearch.study.lock import StoreLock
from schedsearch.study.store import LEADER_CLIPS, first_begun, sqlite_url
from schedsearch.voice.opened import EXCERPT_SECONDS, LEADER_SECONDS
from vocoder.audio.reading import Clip, typical_excerpt, write_wav
from vocoder.precision import processor_name
from vocoder.vocoder import in_precision


@pytest.fixture
def machine(toy, request):
    """Makes this a machine on which one precision is the faster."""

    def of(precision):
        stand_in(request, fastest=lambda vocoder: in_precision(vocoder, precision))

    return of


def searched(toy, *options):
    assert toy.search("--budget", "1candidates", "--strategy", "random", *options) == 0
    return json.loads((toy.folder / "run.json").read_text())["precision"]


def test_another_machine_goes_on_in_the_precision_of_the_first(toy, machine, capsys):
    machine(torch.bfloat16)
    assert searched(toy) == "bfloat16"
    machine(None)
    assert searched(toy) == "bfloat16"
    assert "changed since the last search" not in capsys.readouterr().out


def test_what_is_shipped_says_in_which_precision_it_was_found_and_on_which_processor(toy, machine):
    machine(torch.bfloat16)
    searched(toy)
    for file in ("run.json", "schedule.json"):
        facts = json.loads((toy.folder / file).read_text())
        facts = facts.get("provenance", facts)
        assert facts["precision"] == "bfloat16"
        assert facts["processor"] == processor_name(torch.device("cpu"))


def test_a_precision_that_is_asked_for_is_a_study_of_its_own(toy, machine, capsys):
    machine(torch.bfloat16)
    assert searched(toy, "--precision", "float32") == "float32"
    assert searched(toy, "--precision", "bfloat16") == "bfloat16"
    assert "changed since the last search: precision" in capsys.readouterr().out
    assert searched(toy) == "float32"  # of two, the first that was begun


def test_the_first_of_several_studies_is_known_and_none_is_made_by_asking(tmp_path, toy):
    storage = sqlite_url(tmp_path / "study.db")
    identities = [{"dataset": "a", "sample_rate": 8000, "iterations": n} for n in (1, 2)]
    assert first_begun(storage, identities) is None
    assert not (tmp_path / "study.db").exists()


def test_a_study_is_looked_for_under_the_lock_that_the_making_of_tables_needs(tmp_path, monkeypatch):
    held, was_held = [], []

    class Watched(StoreLock):
        @contextmanager
        def held(self, subject=""):
            with super().held(subject) as acquired:
                held.append(self)
                yield acquired
                held.pop()

    def opened(storage):
        was_held.append(bool(held))
        return open_storage(storage)

    monkeypatch.setattr(store, "StoreLock", Watched)
    monkeypatch.setattr(store, "open_storage", opened)
    (tmp_path / "study.db").touch()
    identities = [{"dataset": "a", "sample_rate": 8000, "iterations": 6}]
    assert first_begun(sqlite_url(tmp_path / "study.db"), identities) is None
    assert was_held == [True]


def changed_beside_its_excerpt(audio):
    """The same loudness everywhere, and other audio where only a longer excerpt is taken from."""
    clip = Clip("clip", audio, 16000)
    for start in range(0, len(audio), 3200):
        changed = audio.clone()
        changed[start : start + 1600] = audio[start : start + 1600].flip(0)
        short, longer = (
            torch.equal(*(typical_excerpt(c, seconds, 64).audio for c in (clip, replace(clip, audio=changed))))
            for seconds in (EXCERPT_SECONDS, LEADER_SECONDS)
        )
        if short and not longer:
            return changed
    raise AssertionError("every change is heard in the excerpt")


def test_a_recording_that_changed_where_leaders_alone_hear_it_begins_a_new_study(toy, capsys):
    path, audio = toy.root / "search" / "search0.wav", noise_clip("", 80000, seed=5).audio
    write_wav(path, audio, 16000)
    searched(toy)
    capsys.readouterr()
    write_wav(path, changed_beside_its_excerpt(audio), 16000)
    searched(toy)
    assert f"changed since the last search: {LEADER_CLIPS}; a new study begins" in capsys.readouterr().out


@pytest.mark.parametrize("precision", [(), ("--precision", "float32")])
def test_a_study_of_an_earlier_version_which_did_not_keep_those_excerpts_goes_on(toy, monkeypatch, capsys, precision):
    real = opening._identity
    with monkeypatch.context() as patch:
        patch.setattr(opening, "_identity", lambda *arguments: opening._earlier(real(*arguments)))
        searched(toy, *precision)
    assert toy.search("--more", "1candidates", "--strategy", "random", *precision) == 0
    assert "a new study begins" not in capsys.readouterr().out
    assert len(toy.store().candidates()) == 2
    assert LEADER_CLIPS not in json.loads((toy.folder / "run.json").read_text())["identity"]
    assert toy.search("--seed", "7", "--budget", "1candidates", "--strategy", "random", *precision) == 0
    assert "changed since the last search: seed; a new study begins" in capsys.readouterr().out
    capsys.readouterr()
    places = ["--experiments", str(toy.root), "--results", str(toy.root / "results")]
    assert main(["report", "--dataset", "toy", "--iters", "6", "--objective", "spectral", *places]) == 0
