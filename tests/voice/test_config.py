"""experiments/<dataset>.toml: what it says, and one line for whatever is wrong with it."""

import shutil
from pathlib import Path

import pytest

from schedsearch.voice.config import EXPERIMENTS, check_new_name, known_datasets, known_rates, load_voice
from schedsearch.voice.opened import open_vocoder
from vocoder.audio.listed_clips import ListedClips
from vocoder.errors import InputError

VOICE = 'checkpoint = "c.pt"\nsearch_clips = "s"\nheld_out_clips = "h"\n'
ONE = f"[rates.16000]\n{VOICE}"
TWO = f"{ONE}\n[rates.8000]\n{VOICE}"


def written(folder: Path, text: str) -> Path:
    (folder / "mine.toml").write_text(text)
    return folder


def refusal(folder: Path, dataset: str = "mine", rate: int | None = None) -> str:
    with pytest.raises(InputError) as found:
        load_voice(dataset, rate, experiments=folder)
    message = str(found.value)
    assert len(message.splitlines()) == 1
    return message


def test_paths_start_at_the_file_that_names_them(tmp_path):
    voice = load_voice("mine", experiments=written(tmp_path, ONE))
    assert (voice.dataset, voice.sample_rate) == ("mine", 16000)
    assert voice.checkpoint == tmp_path / "c.pt"
    assert (voice.search_clips, voice.held_out_clips) == (tmp_path / "s", tmp_path / "h")
    assert not voice.resample


def test_the_rate_picks_one_of_several_voices(tmp_path):
    assert load_voice("mine", 8000, experiments=written(tmp_path, TWO)).sample_rate == 8000


def test_several_rates_without_a_choice_are_listed(tmp_path):
    message = refusal(written(tmp_path, TWO))
    assert "8000, 16000" in message
    assert "RATE=" in message


@pytest.mark.parametrize("rate", [8000, 16000])
def test_the_default_rate_is_taken_where_none_is_named(tmp_path, rate):
    written(tmp_path, f"default_rate = {rate}\n{TWO}")
    assert load_voice("mine", experiments=tmp_path).sample_rate == rate
    assert load_voice("mine", 24000 - rate, experiments=tmp_path).sample_rate == 24000 - rate


@pytest.mark.parametrize("value", ["22050", "'16000'", "true", "16000.0"])
def test_a_default_rate_that_is_none_of_the_rates_is_refused(tmp_path, value):
    message = refusal(written(tmp_path, f"default_rate = {value}\n{TWO}"))
    assert "default_rate must be one of its rates (8000, 16000)" in message


def test_an_unknown_key_is_named_beside_the_known_ones(tmp_path):
    assert "'defaultrate'; keys are default_rate, " in refusal(written(tmp_path, f"defaultrate = 8000\n{TWO}"))


def test_datasets_of_one_speaker_can_say_so(tmp_path):
    assert load_voice("mine", experiments=written(tmp_path, ONE)).speaker == "mine"
    assert load_voice("mine", experiments=written(tmp_path, f'speaker = "Allison"\n{ONE}')).speaker == "Allison"
    assert "speaker must be text" in refusal(written(tmp_path, f"speaker = 3\n{ONE}"))


def test_one_folder_cannot_be_searched_on_and_judge(tmp_path):
    table = ONE.replace('held_out_clips = "h"', 'held_out_clips = "none/../s"')
    assert table != ONE
    assert "search_clips and held_out_clips are both" in refusal(written(tmp_path, table))


def test_a_folder_in_the_place_of_a_file_is_no_dataset(tmp_path):
    (written(tmp_path, ONE) / "folder.toml").mkdir()
    assert "'folder' is unknown; known: mine;" in refusal(tmp_path, "folder")


def test_rates_are_listed_the_lowest_first(tmp_path):
    assert known_rates("mine", written(tmp_path, TWO)) == [8000, 16000]
    with pytest.raises(InputError, match="known: mine"):
        known_rates("other", tmp_path)


def test_a_rate_that_is_not_there_is_named_beside_those_that_are(tmp_path):
    message = refusal(written(tmp_path, TWO), rate=22050)
    assert "22050" in message
    assert "8000, 16000" in message


@pytest.mark.parametrize("name", ["other", "", "../mine", "mine.toml", "a b", "mine\n", "x" * 99, "mine\0"])
def test_an_unknown_dataset_is_answered_with_the_known_ones(tmp_path, name):
    assert "known: mine;" in refusal(written(tmp_path, ONE), name)


def test_a_folder_without_datasets_says_where_to_run(tmp_path):
    assert "repository's root" in refusal(tmp_path)


def test_datasets_are_listed_by_name(tmp_path):
    for name in ("b", "a", ".hidden", "no name", "é"):  # a dataset can be called a or b
        (tmp_path / f"{name}.toml").write_text(ONE)
    (tmp_path / "notes.txt").write_text("")
    assert known_datasets(tmp_path) == ["a", "b"]


def test_training_names_its_recordings_and_how_to_get_them(tmp_path):
    text = ONE + '[rates.16000.training]\naudio = "a"\nobtain = "make them"\nrecipe = { steps = 3 }\n'
    training = load_voice("mine", experiments=written(tmp_path, text)).training
    assert training
    assert (training.audio, training.obtain, training.recipe) == (tmp_path / "a", "make them", {"steps": 3})


LISTED = """
[rates.16000]
checkpoint = "c.pt"
[rates.16000.search_clips]
folder = "../wavs"
[rates.16000.search_clips.sha256]
"a b.wav" = "0123456789abcdef"
"deep/c.flac" = "fedcba9876543210"
[rates.16000.held_out_clips]
folder = "/elsewhere"
sha256 = { "d.wav" = "00000000000000000000000000000000" }
"""


def test_clips_may_be_listed_by_name_and_hash(tmp_path):
    voice = load_voice("mine", experiments=written(tmp_path, LISTED))
    names = {"a b.wav": "0123456789abcdef", "deep/c.flac": "fedcba9876543210"}
    assert voice.search_clips == ListedClips(tmp_path / "../wavs", names)
    assert voice.held_out_clips == ListedClips(Path("/elsewhere"), {"d.wav": "0" * 32})


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"a b.wav" = "0123456789abcdef"', '"a b.wav" = "0000000000000000"', "'a b.wav' stands in search_clips and"),
        ('"0123456789abcdef"', '"0123"', "16 to 64 hexadecimal digits"),
        ('"0123456789abcdef"', "3", "and has 3"),
        ('"a b.wav"', '"../a.wav"', "a path below its folder, and is '../a.wav'"),
        ('"a b.wav"', '"/a.wav"', "a path below its folder"),
        ('"a b.wav"', '""', "a path below its folder"),
        ('"a b.wav"', '"deep_c.wav"', "deep_c stands twice"),
        ('folder = "../wavs"', 'folders = "../wavs"', "unknown key 'folders'"),
        ('folder = "../wavs"', "", "needs the key 'folder'"),
        ('folder = "../wavs"', "folder = 3", "folder must be text"),
        ('{ "d.wav" = "00000000000000000000000000000000" }', "3", "sha256 must be a table"),
        ('{ "d.wav" = "00000000000000000000000000000000" }', "{}", "is empty"),
    ],
)
def test_a_wrong_list_of_clips_is_refused_in_one_line_that_names_the_fault(tmp_path, old, new, named):
    assert old in LISTED
    message = refusal(written(tmp_path, LISTED.replace(old, new)))
    assert named in message
    assert "mine.toml" in message


TAKEN = ("shipped", "transfer", "Bench")  # folders of results/


@pytest.mark.parametrize("name", ["", "a b", "../a", "a/b", ".hidden", "-x", "x" * 65, "a\n", "a\0", *TAKEN])
def test_a_new_dataset_needs_a_name_that_can_be_a_folder_of_results(name):
    with pytest.raises(InputError, match="DATASET must begin with"):
        check_new_name(name)


@pytest.mark.parametrize("name", ["a", "my.voice-2_x", "9", "x" * 64])
def test_letters_digits_and_three_signs_make_a_name(name):
    check_new_name(name)


TRAINING = ONE + "[rates.16000.training]\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("rates = ", "not TOML"),
        ("", "[rates.16000]"),
        ("rates = 3", "[rates.16000]"),
        ("[rates]", "[rates.16000]"),
        (f"[rates.high]\n{VOICE}", "[rates.16000]"),
        ("[rates]\n16000 = 3", "must be a table"),
        ("rate = 3\n" + ONE, "'rate'"),
        (ONE + 'chekpoint = "c.pt"\n', "'chekpoint'"),
        ('[rates.16000]\ncheckpoint = "c.pt"\nsearch_clips = "s"\n', "'held_out_clips'"),
        (ONE.replace('"c.pt"', "3"), "checkpoint must be text"),
        (ONE.replace('"c.pt"', '""'), "checkpoint must be text"),
        (ONE + 'resample = "yes"\n', "resample must be true or false"),
        (ONE + "training = 3\n", "must be a table"),
        (TRAINING, "'audio'"),
        (TRAINING + "audio = 3\n", "audio must be text"),
        (TRAINING + 'audio = "a"\nsteps = 3\n', "'steps'"),
        (TRAINING + 'audio = "a"\nrecipe = 3\n', "recipe must be a table"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_that_names_the_fault(tmp_path, text, named):
    message = refusal(written(tmp_path, text))
    assert named in message
    assert "mine.toml" in message


def test_a_file_of_bytes_is_refused_in_one_line(tmp_path):
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    assert "not TOML" in refusal(tmp_path)


def test_every_shipped_dataset_loads_and_has_its_files():
    folder = Path(__file__).parents[2] / EXPERIMENTS
    for name in known_datasets(folder):
        voice = load_voice(name, experiments=folder)
        assert voice.checkpoint.is_file()
        for clips in (voice.search_clips, voice.held_out_clips):
            assert isinstance(clips, Path)
            data, obtain = folder / ".." / "data" / name, voice.training.obtain if voice.training else ""
            assert clips.is_dir() or (data in clips.parents and obtain.endswith(f" data/{name}"))


@pytest.mark.parametrize("rate", ["1" * 5000, '"016000"', "0", "999"])
def test_a_rate_has_one_spelling_and_no_absurd_size(tmp_path, rate):
    written(tmp_path, f"[rates.{rate}]\n")
    assert "needs a table for each sample rate" in refusal(tmp_path)


def test_the_mark_that_some_editors_begin_a_file_with_is_no_fault(tmp_path):
    text = '\ufeff[rates.16000]\ncheckpoint = "a"\nsearch_clips = "b"\nheld_out_clips = "c"\n'
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    assert load_voice("mine", experiments=tmp_path).sample_rate == 16000


def test_a_dataset_cannot_have_the_name_of_the_shipped_results(tmp_path):
    (tmp_path / "shipped.toml").write_text("")
    with pytest.raises(InputError, match="results/shipped is a folder of the program's own"):
        load_voice("shipped", experiments=tmp_path)


def test_a_checkpoint_without_its_configuration_names_the_line_of_the_file_that_gives_one(tmp_path):
    shutil.copy(Path(__file__).parent.parent / "golden" / "ivanvovk_tiny.pt", tmp_path / "c.pt")
    with pytest.raises(InputError) as found:
        open_vocoder(load_voice("mine", experiments=written(tmp_path, ONE)))
    assert 'give the configuration it was trained with: config = "FILE" in the dataset\'s file' in str(found.value)
