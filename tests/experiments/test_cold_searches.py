"""Every voice is searched by itself, each rate for itself, and all judge all winners."""

from pathlib import Path

import pytest

from experiments import checkpoints
from experiments.cold_searches import main
from schedsearch.voice.config import load_voice

TABLE = """speaker = "{0}"
[rates.{1}]
checkpoint = "{0}/{1}.pt"
config = "{0}/config.json"
search_clips = "{0}/search"
held_out_clips = "{0}/held_out"
"""


@pytest.fixture
def calls(tmp_path, monkeypatch) -> list[tuple[str, ...]]:
    """What the program was called with; a search leaves the name of its dataset as its winner."""
    found: list[tuple[str, ...]] = []

    def program(words: list[str]) -> int:
        found.append(tuple(words))
        if words[0] == "search-all":
            name, results = (words[words.index(option) + 1] for option in ("--dataset", "--results"))
            winner = Path(results) / name / f"{name.split('-')[1]}hz" / "6iters" / "schedule.json"
            winner.parent.mkdir(parents=True)
            winner.write_text(name)
            winner.with_name("leaderboard.csv").write_text(f"of {name}")
        return 0

    monkeypatch.setattr(checkpoints, "schedsearch", program)
    folder = tmp_path / "voices"
    folder.mkdir()
    two = TABLE.format("two", 8000) + TABLE.format("two", 16000).split("\n", 1)[1]
    (folder / "two.toml").write_text(two)
    (folder / "one.toml").write_text(TABLE.format("one", 16000))
    return found


def study(root: Path, *options: str) -> int:
    folders = {"--folder": "bench", "--shipped": "shipped", "--experiments": "voices"}
    return main([*(word for option, name in folders.items() for word in (option, str(root / name))), *options])


def test_each_rate_is_searched_in_results_of_its_own_and_all_meet(calls, tmp_path):
    tables = tmp_path / "bench" / "results" / "transfer"
    tables.mkdir(parents=True)
    (tables / "matrix-6.csv").write_text("matrix")
    assert study(tmp_path, "--voices", "two one", "--budget", "5candidates") == 0
    *searches, met = calls
    names = ["two-8000", "two-16000", "one-16000"]
    assert [words[words.index("--dataset") + 1] for words in searches] == names
    assert len({words[words.index("--results") + 1] for words in searches}) == 3
    assert all("5candidates" in words for words in searches)
    assert met[:3] == ("transfer", "--voices", " ".join(names))
    winners = (tmp_path / "bench" / "results" / "shipped").glob("*/*hz/6iters/schedule.json")
    assert {winner.read_text() for winner in winners} == set(names)
    assert (tmp_path / "shipped" / "matrix-6.csv").read_text() == "matrix"
    assert (tmp_path / "shipped" / "one-16000.6iters.leaderboard.csv").read_text() == "of one-16000"
    first = load_voice("two-8000", experiments=tmp_path / "bench")
    assert first.checkpoint.resolve() == tmp_path / "voices" / "two" / "8000.pt"
    assert first.speaker == "two"


def test_one_voice_can_be_searched_alone(calls, tmp_path):
    assert study(tmp_path, "--voices", "one", "--only", "search") == 0
    assert [words[0] for words in calls] == ["search-all"]


def test_parts_can_be_done_one_by_one(calls, tmp_path):
    assert study(tmp_path, "--voices", "two one", "--only", "search") == 0
    assert {words[0] for words in calls} == {"search-all"}


def test_bad_input_is_one_line(calls, tmp_path, capsys):
    assert study(tmp_path, "--voices", "nobody") == 2
    assert capsys.readouterr().err.startswith("cold_searches: DATASET 'nobody' is unknown")
    assert calls == []
