"""A value in the trial store that is damaged is one line wherever it is read, and never a traceback."""

import itertools
import json
import random
import shutil
import sqlite3
from contextlib import closing

import pytest
from conftest import interrupt_at, made_toy

from schedsearch.search.asked_budget import AskedBudget, begin, is_finished
from schedsearch.study.ranking import best, spent
from schedsearch.study.store import Store, sqlite_url
from vocoder.errors import InputError

CANDIDATES = ["--budget", "5candidates", "--strategy", "random"]
DAMAGED = ["{", '"{"', "[]"]  # JSON cut short, and JSON of other kinds


@pytest.fixture(scope="module")
def results(tmp_path_factory, request):
    """A results folder whose store holds a finished search and a batch that a stopped one left."""
    toy = made_toy(tmp_path_factory.mktemp("toy"), request)
    assert toy.search(*CANDIDATES) == 0
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(patch, 0)
        assert toy.search("--more", "2candidates") == 130
    return toy.root / "results"


@pytest.fixture
def searched(toy, results):
    """A toy with a copy of these results."""
    shutil.copytree(results, toy.root / "results")
    return toy


@pytest.fixture
def reread(searched, tmp_path):
    """Gives the store's bytes, and a function that reads everything of a store with other bytes."""
    store, numbers = searched.store(), itertools.count()
    identity, whole = dict(store.study.user_attrs["identity"]), tmp_path / "whole.db"
    with closing(sqlite3.connect(searched.folder / "study.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(whole),))

    def read(content):
        path = tmp_path / f"{next(numbers)}.db"
        path.write_bytes(content)
        damaged = Store(sqlite_url(path), identity, {"spectral": "minimize"})
        with damaged.using(), damaged.turn():
            best(damaged)
            spent(damaged, begin(damaged, AskedBudget(6, None)))
            is_finished(damaged)
            damaged.in_flight()
            damaged.claim_work(["baseline"], lambda task: False)
            damaged.adopt()

    return whole, read


def keys(path, table):
    """One key of each kind: of baselines, of finalists, ..."""
    with closing(sqlite3.connect(path)) as connection:
        stored = [key for [key] in connection.execute(f"SELECT DISTINCT key FROM {table} ORDER BY key DESC")]
    kinds = {" ".join(key.split()[: 2 if key.startswith("memory") else 1]): key for key in stored}
    return list(kinds.values())


def damage(path, table, key, value):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {table} SET value_json = ? WHERE key = ?", (value, key))
        connection.commit()


@pytest.mark.parametrize(
    ("table", "read_always"),
    [
        ("study_user_attributes", {"memory asked", "baseline"}),
        ("trial_user_attributes", {"betas", "result", "index", "claim", "owner", "batch", "first", "size"}),
    ],
)
def test_a_damaged_attribute_is_one_line(reread, table, read_always):
    whole, read = reread
    content, refused = whole.read_bytes(), set()
    for key in keys(whole, table):
        for value in DAMAGED:
            whole.write_bytes(content)
            damage(whole, table, key, value)
            try:
                read(whole.read_bytes())
            except InputError as error:
                assert len(str(error).splitlines()) == 1
                assert "is damaged" in str(error)
                refused.add((key, value))
    assert {(key, "{") for key in keys(whole, table)} <= refused
    assert all(any(key.startswith(start) and value == "[]" for key, value in refused) for start in read_always)


def test_a_flipped_bit_is_one_line_or_none(reread):
    whole, read = reread
    content, generator = whole.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(60):
        damaged = bytearray(content)
        damaged[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        try:
            read(bytes(damaged))
        except InputError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
    assert refused > 2


STARTS = ["memory asked", "memory leader", "memory held out", "memory warm starts", "baseline"]


@pytest.mark.parametrize("start", STARTS)
def test_a_damaged_value_is_one_line_of_a_search(searched, capsys, start):
    path = searched.folder / "study.db"
    key = next(key for key in keys(path, "study_user_attributes") if key.startswith(start))
    for value in ("{", json.dumps(json.dumps({"spectrbl": {}})), '"5"'):
        damage(path, "study_user_attributes", key, value)
        assert searched.search("--more", "2candidates") == 2
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert "a stored value is damaged" in captured.err.splitlines()[-1]
