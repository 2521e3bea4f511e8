"""One voice trained several times: the runs differ in seed and draw alone, and each part stops at a failure."""

from pathlib import Path

import pytest

from experiments import training_seeds
from experiments.training_seeds import RUNS, main
from schedsearch.voice.config import Training, Voice, load_voice
from vocoder.training.loop import recipe_from

TABLE = """
[rates.8000]
checkpoint = "own/checkpoint.pt"
config = "own/config.json"
search_clips = "own/search"
held_out_clips = "own/held_out"

[rates.8000.training]
audio = "recordings"
recipe = { steps = 3 }
"""


@pytest.fixture
def calls(tmp_path, monkeypatch) -> list[tuple[str, ...]]:
    """What the program was called with; it leaves a learning curve, as training does."""
    found: list[tuple[str, ...]] = []

    def program(words: list[str]) -> int:
        found.append(tuple(words))
        if words[0] == "train":
            folder = tmp_path / "bench" / words[words.index("--dataset") + 1]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "learning.csv").write_text("step\n5\n")
        if words[0] == "search-all":
            name, results = (words[words.index(option) + 1] for option in ("--dataset", "--results"))
            winner = Path(results) / name / "8000hz" / "6iters" / "schedule.json"
            winner.parent.mkdir(parents=True)
            winner.write_text(name)
        return 0

    monkeypatch.setattr(training_seeds, "schedsearch", program)
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "own.toml").write_text(TABLE)
    return found


def study(root: Path, *options: str) -> int:
    folders = {"--folder": "bench", "--shipped": "shipped", "--experiments": "voices"}
    places = [word for option, name in folders.items() for word in (option, str(root / name))]
    return main(["--dataset", "own", "--rate", "8000", "--steps", "5", *places, *options])


def training_of(voice: Voice) -> Training:
    assert voice.training is not None
    return voice.training


def test_all_runs_are_as_long_on_the_same_recordings_and_differ_in_seed_and_draw(calls, tmp_path):
    assert study(tmp_path, "--only", "train") == 0
    voices = [load_voice(name, experiments=tmp_path / "bench") for name in RUNS]
    own = load_voice("own", experiments=tmp_path / "voices")
    recipes = [recipe_from(training_of(voice).recipe) for voice in voices]
    assert {recipe.steps for recipe in recipes} == {5}
    assert len({(recipe.seed, recipe.draw) for recipe in recipes}) == len(RUNS)
    assert [recipe.draw for recipe in recipes].count("wavegrad") == 1
    assert len({voice.checkpoint.resolve() for voice in voices}) == len(RUNS)
    for voice in voices:
        assert voice.speaker == "own"
        assert training_of(voice).audio.resolve() == training_of(own).audio.resolve()
        for name in ("config", "search_clips", "held_out_clips"):
            assert getattr(voice, name).resolve() == getattr(own, name).resolve()


def test_every_run_is_trained_and_searched_and_all_meet_in_one_transfer(calls, tmp_path):
    folder = tmp_path / "bench" / "results" / "transfer"
    folder.mkdir(parents=True)
    for name in ("matrix-6.csv", "transfer.md", "universal.json"):
        (folder / name).write_text(name)
    assert study(tmp_path, "--iters", "6", "--budget", "5candidates") == 0
    assert [call[0] for call in calls] == ["train"] * 4 + ["search-all"] * 4 + ["transfer"]
    searches = [call for call in calls if call[0] == "search-all"]
    assert all("5candidates" in call for call in searches)
    # None begins from what another found, and all winners meet.
    assert len({call[call.index("--results") + 1] for call in searches}) == len(RUNS)
    winners = (tmp_path / "bench" / "results" / "shipped").glob("*/8000hz/6iters/schedule.json")
    assert {winner.read_text() for winner in winners} == set(RUNS)
    assert " ".join(RUNS) in calls[-1]
    shipped = {path.name for path in (tmp_path / "shipped").iterdir()}
    # What is universal to checkpoints of one voice is of no use to others.
    assert shipped == {"matrix-6.csv", "transfer.md", *(f"{name}.learning.csv" for name in RUNS)}


def test_parts_run_in_their_order_however_they_are_named(calls, tmp_path):
    (tmp_path / "bench" / "results" / "transfer").mkdir(parents=True)
    assert study(tmp_path, "--only", "transfer", "train") == 0
    assert [call[0] for call in calls] == ["train"] * 4 + ["transfer"]


def test_voices_beside_are_searched_from_nobodys_winner_and_judge_too(calls, tmp_path):
    other = TABLE.partition("\n[rates.8000.training]")[0].replace("own/", "other/")
    (tmp_path / "voices" / "other.toml").write_text(other)
    (tmp_path / "bench" / "results" / "transfer").mkdir(parents=True)
    assert study(tmp_path, "--iters", "6", "--beside", "other@8000", "--seconds", "0.5", "--draws", "3") == 0
    names = [*RUNS, "other-8000"]
    assert [call[0] for call in calls] == ["train"] * 4 + ["search-all"] * 5 + ["transfer"]
    assert len({call[call.index("--results") + 1] for call in calls if call[0] == "search-all"}) == len(names)
    heard = calls[-1]
    told = {option: heard[heard.index(option) + 1] for option in ("--voices", "--seconds", "--draws")}
    assert told == {"--voices": " ".join(names), "--seconds": "0.5", "--draws": "3"}
    beside = load_voice("other-8000", experiments=tmp_path / "bench")
    assert (beside.speaker, beside.checkpoint.resolve()) == ("other", tmp_path / "voices" / "other" / "checkpoint.pt")


def test_an_unknown_voice_beside_is_one_line_before_anything_begins(calls, tmp_path, capsys):
    assert study(tmp_path, "--beside", "nobody") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("training_seeds: dataset 'nobody' is unknown")
    assert not calls and not (tmp_path / "bench").exists()


def test_all_runs_begin_from_the_weights_that_are_named(calls, tmp_path):
    weights = tmp_path / "ancestor.pt"
    weights.write_bytes(b"weights")
    assert study(tmp_path, "--only", "train", "--warm-start", str(weights)) == 0
    assert [call[call.index("--warm-start") + 1] for call in calls] == [str(weights)] * len(RUNS)
    calls.clear()
    (tmp_path / "bench" / "begun.json").unlink()
    assert study(tmp_path, "--only", "train") == 0
    assert not any("--warm-start" in call for call in calls)


@pytest.mark.parametrize(("options", "changed"), [([], "warm start"), (["--steps", "9"], "steps")])
def test_runs_that_began_otherwise_are_not_gone_on_with(calls, tmp_path, capsys, options, changed):
    weights = tmp_path / "ancestor.pt"
    weights.write_bytes(b"weights")
    begun = ["--only", "train", "--warm-start", str(weights)]
    assert study(tmp_path, *begun) == study(tmp_path, *begun) == 0
    calls.clear()
    again = ["--only", "train", *(options and [*begun[2:], *options])]
    assert study(tmp_path, *again) == 2
    assert f"have another {changed}; name another folder" in capsys.readouterr().err
    assert not calls


@pytest.mark.parametrize("part", ["train", "search", "transfer"])
def test_a_part_that_fails_ends_the_study(calls, tmp_path, monkeypatch, part):
    monkeypatch.setattr(training_seeds, "schedsearch", lambda words: calls.append(tuple(words)) or 2)
    assert study(tmp_path, "--only", part) == 2
    assert len(calls) == 1


def test_a_voice_without_a_recipe_is_one_line(calls, tmp_path, capsys):
    path = tmp_path / "voices" / "own.toml"
    path.write_text(TABLE.partition("\n[rates.8000.training]")[0])
    assert study(tmp_path) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "has no training table; name another voice" in line
    assert not (tmp_path / "bench").exists()
