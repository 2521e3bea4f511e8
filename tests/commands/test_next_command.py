"""The command that a finished search prints goes on with that search and no other."""

import argparse
import shlex

import pytest

from schedsearch.cli import main
from schedsearch.commands.next_command import next_command
from schedsearch.study.budget import Budget


@pytest.fixture(autouse=True)
def _in_memory(memory):
    """Nothing here is about SQLite."""


def next_line(toy, capsys, *options):
    capsys.readouterr()
    assert toy.search(*options) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("more:")]
    return line.removeprefix("more:").strip()


@pytest.mark.parametrize(
    "options",
    [
        ("--budget", "2candidates", "--strategy", "tpe"),
        ("--budget", "2candidates", "--strategy", "tpe", "--objective", "lsd,log_mel_l1", "--seed", "3"),
        ("--budget", "100calls", "--strategy", "random", "--no-race"),
    ],
)
def test_it_goes_on_with_the_same_study(toy, capsys, options):
    words = shlex.split(next_line(toy, capsys, *options))
    assert words[:2] == [".venv/bin/schedsearch", "search"]  # places of its own have no make variable
    before = len(list((toy.folder.parent).iterdir()))
    more = words[words.index("--more") + 1]
    assert more.endswith(options[1].lstrip("0123456789"))
    capsys.readouterr()
    words[words.index("--more") + 1] = more.replace("40", "1").replace("5000", "10")
    assert main(words[1:]) == 0
    assert "a new study begins" not in capsys.readouterr().out
    assert len(list((toy.folder.parent).iterdir())) == before


def test_in_the_usual_places_it_is_make_s(toy, capsys, monkeypatch):
    (toy.root / "experiments").mkdir()
    for name in ("toy.toml", "search", "held_out", "none.pt"):
        if (toy.root / name).exists():
            (toy.root / name).rename(toy.root / "experiments" / name)
    monkeypatch.chdir(toy.root)

    def told(*options):
        assert main(["search", "--dataset", "toy", "--budget", "2candidates", *options]) == 0
        [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("more:")]
        return line

    assert told("--strategy", "tpe") == "more:   make search ITERS=6 DATASET=toy STRATEGY=tpe MORE=40candidates"
    assert told("--iters", "3", "--strategy", "tpe", "--objective", "lsd,mcd", "--seed", "1") == (
        "more:   make search ITERS=3 DATASET=toy OBJECTIVE=lsd,mcd STRATEGY=tpe SEED=1 MORE=40candidates"
    )
    assert told("--precision", "float32") == (
        "more:   make search ITERS=6 DATASET=toy PRECISION=float32 MORE=40candidates"
    )


def test_it_does_not_show_a_storages_password():
    names = "iters dataset rate objective strategy grid seed precision force experiments results no_race".split()
    options = argparse.Namespace(**dict.fromkeys(names, "1"), storage="postgresql://u:secret@h/d")
    told = next_command(options, dict.fromkeys(names, "1"), Budget(2, "candidates"))
    assert "STORAGE='postgresql://u:***@h/d'" in told
