"""A voice's earlier weights come out of the history as they were, and stand beside today's as another checkpoint."""

import subprocess
from pathlib import Path

import pytest

from experiments import checkpoints
from experiments.earlier_weights import main
from schedsearch.voice.config import load_voice

TABLE = """
[rates.8000]
checkpoint = "{0}/checkpoint.pt"
config = "{0}/config.json"
search_clips = "{0}/search"
held_out_clips = "{0}/held_out"
"""


@pytest.fixture
def calls(tmp_path, monkeypatch) -> list[tuple[str, ...]]:
    """What the program was called with, in a history of two versions of `own`'s weights, and one of `other`'s."""
    found: list[tuple[str, ...]] = []

    def program(words: list[str]) -> int:
        found.append(tuple(words))
        return 0

    monkeypatch.setattr(checkpoints, "schedsearch", program)
    for name in ("own", "other"):
        (tmp_path / "voices" / name).mkdir(parents=True)
        (tmp_path / "voices" / f"{name}.toml").write_text(TABLE.format(name))
        winner = tmp_path / "shipped" / name / "8000hz" / "6iters" / "schedule.json"
        winner.parent.mkdir(parents=True)
        winner.write_text(name)
    (tmp_path / "bench" / "results" / "transfer").mkdir(parents=True)
    (tmp_path / "bench" / "results" / "transfer" / "matrix-6.csv").write_text("matrix")
    commit(tmp_path, own=b"first", other=b"only")
    commit(tmp_path, own=b"second")
    (tmp_path / "voices" / "own" / "checkpoint.pt").write_bytes(b"not committed")
    return found


def commit(root: Path, **weights: bytes) -> None:
    for name, content in weights.items():
        (root / "voices" / name / "checkpoint.pt").write_bytes(content)
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    for words in (["init", "-q"], ["add", "voices"], [*identity, "commit", "-qm", "weights"]):
        subprocess.run(["git", *words], cwd=root, check=True)


def study(root: Path, *options: str, dataset: str = "own") -> int:
    folders = {"--folder": "bench", "--shipped": "shipped", "--experiments": "voices"}
    places = [word for option, name in folders.items() for word in (option, str(root / name))]
    return main([dataset, "--rate", "8000", "--beside", "other", *places, *options])


def test_the_version_before_the_last_change_is_searched_and_all_meet(calls, tmp_path):
    assert study(tmp_path, "--budget", "5candidates") == 0
    assert (tmp_path / "bench" / "own-earlier" / "checkpoint.pt").read_bytes() == b"first"
    searched, met = calls
    assert searched[:3] == ("search-all", "--dataset", "own-earlier")
    assert "5candidates" in searched
    assert met[:3] == ("transfer", "--voices", "own-earlier own other")
    assert (tmp_path / "shipped" / "transfer" / "earlier_weights" / "matrix-6.csv").read_text() == "matrix"


def test_the_earlier_weights_are_another_checkpoint_of_the_same_speaker_on_the_same_clips(calls, tmp_path):
    study(tmp_path)
    earlier, own, other = (load_voice(n, experiments=tmp_path / "bench") for n in ("own-earlier", "own", "other"))
    assert earlier.speaker == own.speaker == "own"
    assert other.speaker == "other"
    for name in ("config", "search_clips", "held_out_clips"):
        assert getattr(earlier, name).resolve() == getattr(own, name).resolve()
    assert own.checkpoint.resolve() == (tmp_path / "voices" / "own" / "checkpoint.pt").resolve()


def test_all_but_the_earlier_weights_bring_the_winners_that_are_shipped(calls, tmp_path):
    study(tmp_path)
    shipped = tmp_path / "bench" / "results" / "shipped"
    for name in ("own", "other"):
        assert (shipped / name / "8000hz" / "6iters" / "schedule.json").read_text() == name
    assert not (shipped / "own-earlier").exists()


def test_a_commit_that_is_named_is_taken(calls, tmp_path):
    assert study(tmp_path, "--commit", "HEAD") == 0
    assert (tmp_path / "bench" / "own-earlier" / "checkpoint.pt").read_bytes() == b"second"


@pytest.mark.parametrize(("options", "line"), [
    (["--commit", "nowhere"], "give --commit"),
    (["--experiments", "elsewhere"], "elsewhere"),
])  # fmt: skip
def test_bad_input_is_one_line_and_nothing_is_written(calls, tmp_path, capsys, options, line):
    assert study(tmp_path, *options) == 2
    [told] = capsys.readouterr().err.splitlines()
    assert line in told
    assert not calls
    assert not (tmp_path / "bench" / "own-earlier").exists()


def test_weights_that_never_changed_have_no_earlier_version(calls, tmp_path, capsys):
    assert study(tmp_path, "--beside", "own", dataset="other") == 2
    assert "has none; give --commit" in capsys.readouterr().err
