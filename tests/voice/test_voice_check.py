"""No search begins on a voice that is not trained or has another's front end, unless it is forced; and a voice is
checked once."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
import soundfile
from conftest import QUICK, files_below, stand_in, work_alone

import schedsearch
from schedsearch.cli import main
from schedsearch.voice.check import CHECKING, KEPT
from vocoder.front_end_check.diagnosis import diagnose

TESTS = Path(__file__).parents[1]
SMALL = TESTS / "small_voice"
DEMO = TESTS.parent / "experiments" / "demo" / "16000hz"
SHORT = ("--budget", "1candidates", "--strategy", "random")
REFUSED = ("mismatch", "deaf", "misheard", "untrained", "broken")


def said_in(folder: Path) -> dict:
    """What the results say of the check: run.json and schedule.json agree."""
    told = json.loads((folder / "run.json").read_text())["voice_check"]
    assert json.loads((folder / "schedule.json").read_text())["provenance"]["voice_check"] == told
    return dict(told)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_search_of_a_voice_that_fails_the_check_is_refused_in_one_line_and_leaves_no_study(
    toy, capsys, diagnosed, kind
):
    diagnosed(kind)
    assert toy.search(*SHORT) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert told.endswith("; FORCE=1 searches all the same\n")
    assert {path.name for path in files_below(toy.root / "results")} == {KEPT}
    assert not toy.folder.exists()


def test_a_refusal_names_the_setting_that_mends_it(toy, capsys, diagnosed):
    diagnosed("mismatch")
    assert toy.search(*SHORT) == 2
    assert "f_min" in capsys.readouterr().err


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_search_that_is_forced_goes_on_and_its_results_say_so(toy, capsys, memory, diagnosed, kind):
    calls = diagnosed(kind)
    assert [toy.search(*SHORT), toy.search(*SHORT, "--force")] == [2, 0]
    assert calls == [3]
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("check of the voice: ")]
    assert line.endswith("; the search goes on, for FORCE was given")
    told = said_in(toy.folder)
    assert (told["found"], told["forced"]) == (kind, True)
    assert line.endswith(told["said"])


def test_a_search_that_is_forced_from_the_start_is_not_checked_and_its_results_say_so(toy, capsys, memory, diagnosed):
    calls = diagnosed("untrained")
    assert toy.search(*SHORT, "--force") == 0
    assert calls == []
    told = said_in(toy.folder)
    assert (told["found"], told["forced"]) == (None, True)
    assert f"check of the voice: {told['said']}\n" in capsys.readouterr().out
    assert toy.search(*SHORT) == 2  # not forced any longer
    assert calls == [3]


@pytest.mark.parametrize("kind", ["matches", "weak"])
def test_a_voice_that_passes_is_checked_once_for_all_searches(toy, capsys, memory, diagnosed, kind):
    calls = diagnosed(kind)
    assert toy.search(*SHORT) == 0
    assert toy.search("--budget", "2candidates", "--strategy", "random") == 0
    assert calls == [3]
    assert capsys.readouterr().out.count(CHECKING) == 1
    told = said_in(toy.folder)
    assert (told["found"], told["forced"]) == (kind, False)
    assert "trained" in told["said"]


def test_search_all_checks_once(toy, memory, diagnosed):
    calls = diagnosed("matches")
    places = ["--dataset", "toy", "--experiments", str(toy.root), "--results", str(toy.root / "results")]
    assert main(["search-all", *places, *SHORT, "--iters", "3 4"]) == 0
    assert calls == [3]


def test_search_all_of_a_voice_that_fails_ends_at_once_and_can_be_forced(toy, memory, diagnosed):
    diagnosed("untrained")
    places = ["--dataset", "toy", "--experiments", str(toy.root), "--results", str(toy.root / "results")]
    assert main(["search-all", *places, *SHORT, "--iters", "3 4"]) == 2
    assert {path.name for path in files_below(toy.root / "results")} == {KEPT}
    assert main(["search-all", *places, *SHORT, "--iters", "3 4", "--force"]) == 0


def test_a_search_from_python_is_checked_too(toy, memory, diagnosed):
    diagnosed("untrained")
    voice = schedsearch.open_voice("toy", experiments=toy.root)
    options = {"budget": "1candidates", "strategy": "random", "results": toy.root / "results"}
    with pytest.raises(schedsearch.InputError, match="untrained or damaged weights: .* FORCE=1"):
        voice.search(**options)
    assert not toy.folder.exists()
    told = voice.search(**options, force=True).facts["voice_check"]
    assert (told["found"], told["forced"]) == ("untrained", True)


def test_clips_too_short_to_tell_are_said_and_no_obstacle(toy, capsys, memory, diagnosed):
    calls = diagnosed("untrained")
    for path in sorted((toy.root / "search").iterdir())[1:]:
        path.unlink()
    assert toy.search(*SHORT) == 0
    assert calls == []
    assert "its clips give 1, so it was not checked" in capsys.readouterr().out
    assert said_in(toy.folder)["found"] is None


def test_bad_input_is_refused_before_anything_is_measured(toy, diagnosed):
    calls = diagnosed("matches")
    shutil.rmtree(toy.root / "held_out")
    assert toy.search(*SHORT) == 2
    assert calls == []
    assert not (toy.root / "results").exists()


def test_force_is_1_or_0(toy, capsys, diagnosed):
    diagnosed("untrained")
    assert toy.search(*SHORT, "--force=0") == 2
    assert "untrained" in capsys.readouterr().err
    assert toy.search(*SHORT, "--force=yes") == 2
    assert "FORCE must be 1 or 0, and is 'yes'" in capsys.readouterr().err


# --- the check itself, on networks ----------------------------------------------------------------


class Voices:
    """Datasets of six search clips and two held-out ones of real speech, a quarter of a second each, in one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for split, count in (("search", 6), ("held_out", 2)):
            (root / split).mkdir()
            for path in sorted((DEMO / "clips" / split).glob("*.flac"))[:count]:
                audio, rate = soundfile.read(path)
                soundfile.write(root / split / f"{path.stem}.wav", audio[rate // 2 : rate * 3 // 4], rate)

    def add(self, name: str, checkpoint: Path, config: dict) -> None:
        (self.root / f"{name}.json").write_text(json.dumps(config))
        self.root.joinpath(f"{name}.toml").write_text(
            f'[rates.16000]\ncheckpoint = "{checkpoint}"\nconfig = "{name}.json"\n'
            'search_clips = "search"\nheld_out_clips = "held_out"\n'
        )

    def search(self, name: str, *options: str) -> int:
        places = ["--experiments", str(self.root), "--results", str(self.root / "results")]
        return main(["search", "--dataset", name, *places, "--iters", "3", "--objective", "spectral", *SHORT, *options])


@pytest.fixture
def voices(tmp_path: Path, request: pytest.FixtureRequest) -> Voices:
    """Checked with little effort, which tells a band that is cut in half and weights that are random."""
    work_alone(request)
    stand_in(request, diagnose=partial(diagnose, effort=QUICK))
    return Voices(tmp_path)


@pytest.mark.slow
def test_a_network_of_random_weights_is_refused_and_can_be_forced(voices, capsys):
    config = json.loads((TESTS / "golden" / "ivanvovk_tiny.json").read_text())
    voices.add("tiny", TESTS / "golden" / "ivanvovk_tiny.pt", config)
    assert voices.search("tiny") == 2
    assert "untrained or damaged weights" in capsys.readouterr().err
    assert not list(voices.root.rglob("study.db"))
    assert voices.search("tiny", "--force") == 0
    assert said_in(voices.root / "results" / "tiny" / "16000hz" / "3iters")["forced"]


@pytest.mark.slow
def test_a_trained_voice_passes_once_and_one_set_wrong_is_refused_by_the_setting_that_is(voices, capsys):
    config = json.loads((SMALL / "config.json").read_text())
    voices.add("right", SMALL / "checkpoint.pt", config)
    assert voices.search("right") == 0
    assert CHECKING in capsys.readouterr().out
    assert voices.search("right") == 0
    assert CHECKING not in capsys.readouterr().out
    assert said_in(voices.root / "results" / "right" / "16000hz" / "3iters")["found"] == "matches"
    right = config["data_config"]["f_max"]
    config["data_config"]["f_max"] = right // 2
    voices.add("wrong", SMALL / "checkpoint.pt", config)
    assert voices.search("wrong") == 2
    told = capsys.readouterr().err
    assert f"set data_config.f_max to {right} Hz in the configuration" in told
    assert {path.name for path in files_below(voices.root / "results" / "wrong")} == {KEPT}
