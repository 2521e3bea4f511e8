"""A study keeps the precision that its first process chose, whoever joins or resumes it."""

import json
from contextlib import contextmanager

import pytest
import torch
from conftest import stand_in

from schedsearch.study import store
from schedsearch.study.database import open_storage
from schedsearch.study.lock import StoreLock
from schedsearch.study.store import first_begun, sqlite_url
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
