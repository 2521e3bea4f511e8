"""A voice from a folder: what is left out and why, how clips are chosen, and a file that a search can open."""

import json
import os
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import Toy, files_below

from schedsearch.cli import main
from schedsearch.search.opening import open_run
from schedsearch.search.settings import Settings
from schedsearch.voice.adding import recording as recording_module
from schedsearch.voice.adding.dataset_file import quoted
from schedsearch.voice.adding.inspection import inspect
from schedsearch.voice.adding.recording import Fault, LeftOut, Recording, measure
from schedsearch.voice.adding.split import LEAST, covering, scaled, split
from schedsearch.voice.adding.survey import audio_names, scan, sorted_out
from schedsearch.voice.config import load_voice
from vocoder.audio.listed_clips import ListedClips, are_present, file_digest, read_clips
from vocoder.dialects.lmnt import LMNT
from vocoder.errors import InputError
from vocoder.network import WaveGradNetwork
from vocoder.weights import exported_state

GOLDEN = Path(__file__).parents[1] / "golden"
RATE = 16000


def spoken(pitch: float = 150.0, *, seconds: float = 1.2, peak: float = 0.3, pace: float = 4.0, rate: int = RATE):
    """[samples]: harmonics of `pitch` Hz under an envelope of `pace` bumps a second."""
    time = np.arange(round(seconds * rate)) / rate
    voice = sum(np.sin(2 * np.pi * k * pitch * time) / k for k in range(1, 9))
    envelope = 0.02 + np.sin(np.pi * pace * time) ** 2
    sound = voice * envelope
    return (peak * sound / np.abs(sound).max()).astype(np.float32)


def written(path: Path, samples: np.ndarray, rate: int = RATE, subtype: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def measured(path: Path) -> Recording:
    found = measure(path.parent, path.name)
    assert isinstance(found, Recording), found
    return found


def fault(path: Path) -> Fault:
    found = measure(path.parent, path.name)
    assert isinstance(found, LeftOut), found
    return found.fault


# --- one recording --------------------------------------------------------------------------------


def beeps(seconds: float) -> np.ndarray:
    """A sine of 1 kHz, by turns at full level and at a quarter of it, a fourth of a second each."""
    time = np.arange(round(seconds * RATE))
    loud = np.where(time // (RATE // 4) % 2, 1.0, 0.25)
    return (loud * np.sin(2 * np.pi * 1000 * time / RATE)).astype(np.float32)


def test_level_pitch_spectrum_and_pace_are_those_of_the_sound(tmp_path):
    sine = measured(written(tmp_path / "sine.wav", 0.5 * beeps(2.0), subtype="FLOAT"))
    assert sine.level == pytest.approx(10 * np.log10(0.5**2 / 2 * (1 + 1 / 16) / 2), abs=0.01)  # a sine's mean power
    assert sine.centroid == pytest.approx(1000, abs=5)
    assert sine.pause == 0
    voice = measured(written(tmp_path / "voice.wav", spoken(200.0, seconds=4.0, pace=5.0)))
    assert voice.pitch == pytest.approx(200, rel=0.01)
    assert voice.pace == pytest.approx(5, rel=0.1)
    assert voice.seconds == 4.0


def test_half_a_clip_of_digital_silence_is_half_pause(tmp_path):
    audio = np.concatenate([np.full(RATE, 1e-6, np.float32), 0.3 * beeps(1.0)])
    assert measured(written(tmp_path / "a.wav", audio, subtype="FLOAT")).pause == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.wav", t) for t in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")]
    + [("a.flac", "PCM_16"), ("a.flac", "PCM_24"), ("a.ogg", "VORBIS"), ("a.mp3", None), ("A.WAV", "PCM_16")],
)
def test_every_format_is_measured_alike(tmp_path, name, subtype):
    exact = measured(written(tmp_path / "exact" / "a.wav", spoken(), subtype="FLOAT"))
    found = measured(written(tmp_path / name, spoken(), subtype=subtype))
    assert found.level == pytest.approx(exact.level, abs=0.3)
    assert found.pitch == pytest.approx(exact.pitch, rel=0.02)
    assert found.sha256 == file_digest(tmp_path / name)


def test_the_content_is_that_of_the_samples_whatever_the_file(tmp_path):
    sixteen_bits = np.round(spoken() * 32767) / 32768
    same = [("a.wav", "PCM_16"), ("b.flac", "PCM_16"), ("c.wav", "PCM_24"), ("d.wav", "FLOAT")]
    contents = {measured(written(tmp_path / name, sixteen_bits, subtype=kind)).content for name, kind in same}
    assert len(contents) == 1
    assert measured(written(tmp_path / "e.wav", -sixteen_bits)).content not in contents
    assert measured(written(tmp_path / "f.wav", sixteen_bits, RATE + 1)).content not in contents


def stereo() -> np.ndarray:
    return np.stack([spoken(), spoken()], axis=1)


def with_nan() -> np.ndarray:
    return np.where(np.arange(len(spoken())) == 99, np.nan, spoken())


def mostly_pause() -> np.ndarray:
    return np.concatenate([spoken(), np.zeros(3 * RATE, np.float32)])


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (stereo, Fault.STEREO),
        (lambda: spoken(seconds=0.99), Fault.SHORT),
        (lambda: np.zeros(0), Fault.SHORT),
        (with_nan, Fault.NOT_FINITE),
        (lambda: spoken(peak=20000.0), Fault.SCALE),
        (lambda: spoken(peak=1e-3), Fault.SILENT),
        (lambda: np.zeros(RATE * 2), Fault.SILENT),
        (lambda: np.full(RATE * 2, 0.5), Fault.SILENT),  # a constant is not heard
        (lambda: 0.1 * np.random.default_rng(0).standard_normal(RATE * 2), Fault.STEADY),
        (lambda: 0.3 * np.sin(np.arange(RATE * 2)), Fault.STEADY),
        (mostly_pause, Fault.PAUSE),
        (lambda: spoken(peak=3.0).clip(-1, 1), Fault.CLIPPED),
        (lambda: spoken(peak=3.0).clip(-1, 0.5), Fault.CLIPPED),  # on one side
    ],
)
def test_what_cannot_be_a_clip_says_why(tmp_path, samples, expected):
    assert fault(written(tmp_path / "a.wav", samples(), subtype="FLOAT")) is expected


def test_a_rate_that_no_clip_may_have_is_left_out(tmp_path):
    soundfile.write(tmp_path / "a.wav", spoken()[: 2 * 999], 999)
    assert fault(tmp_path / "a.wav") is Fault.LOW


def test_a_peak_that_touches_full_scale_is_not_clipped(tmp_path):
    measured(written(tmp_path / "a.wav", spoken(peak=1.0, seconds=5.0), subtype="FLOAT"))


@pytest.mark.parametrize("content", [b"", b"a letter, and no recording", b"RIFF\0\0\0\0WAVE"])
def test_what_does_not_decode_is_unreadable_in_one_line(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    found = measure(tmp_path, "a.wav")
    assert isinstance(found, LeftOut)
    assert found.fault is Fault.UNREADABLE
    assert len(found.reason.splitlines()) == 1


def test_a_truncated_file_and_one_that_went_are_unreadable(tmp_path):
    path = written(tmp_path / "a.wav", spoken())
    path.write_bytes(path.read_bytes()[:20000])
    assert fault(path) is Fault.UNREADABLE
    assert fault(tmp_path / "gone.wav") is Fault.UNREADABLE


def test_a_session_of_minutes_is_left_out_before_it_is_decoded(tmp_path, monkeypatch):
    path = written(tmp_path / "a.wav", np.zeros(301 * 1000), 1000)
    monkeypatch.setattr(recording_module, "read_samples", lambda *_: pytest.fail("decoded"))
    assert fault(path) is Fault.LONG


def streamed(path: Path) -> Path:
    """A FLAC whose header has 0 samples, as one that was written to a pipe."""
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the length is the last 36 bits before the MD5 sum
    content[22:26] = bytes(4)
    path.write_bytes(content)
    return path


def test_a_flac_without_a_length_is_measured_by_what_decodes(tmp_path, monkeypatch):
    path = written(tmp_path / "a.flac", spoken(seconds=2.8))
    exact = measured(path)
    assert replace(measured(streamed(path)), sha256=exact.sha256) == exact
    assert fault(streamed(written(tmp_path / "b.flac", spoken(seconds=0.9)))) is Fault.SHORT
    monkeypatch.setattr(recording_module, "LONGEST", 2.0)
    assert fault(path) is Fault.LONG


def test_a_constant_beside_the_sound_changes_no_level(tmp_path):
    alone, beside = (measured(written(tmp_path / "a.wav", spoken() + offset)) for offset in (0.0, 0.3))
    assert beside.level == pytest.approx(alone.level, abs=0.01)
    assert np.isfinite(beside.traits).all()


# --- a folder -------------------------------------------------------------------------------------


def test_all_audio_below_a_folder_is_found_and_nothing_hidden(tmp_path):
    for name in ("b.wav", "deep/er/a.FLAC", ".hidden/c.wav", "._b.wav", "notes.txt", "d.wav/e.mp3"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert audio_names(tmp_path) == ["b.wav", "d.wav/e.mp3", "deep/er/a.FLAC"]


def test_linked_folders_are_followed_once(tmp_path):
    written(tmp_path / "elsewhere" / "a.wav", spoken())
    (tmp_path / "wavs").mkdir()
    for name in ("b", "c"):
        (tmp_path / "wavs" / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "wavs" / "itself").symlink_to(tmp_path / "wavs")
    (tmp_path / "wavs" / "nowhere").symlink_to(tmp_path / "gone")
    assert [name.rsplit("/")[-1] for name in audio_names(tmp_path / "wavs")] == ["a.wav"]


@pytest.mark.parametrize("kind", ["pipe", "device", "loop"])
def test_what_is_no_file_is_left_out_by_name(tmp_path, kind):
    path = tmp_path / "b.wav"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    assert audio_names(tmp_path) == ["b.wav"]
    [found] = scan(tmp_path, ["b.wav"], jobs=1)
    assert isinstance(found, LeftOut) and found.fault is Fault.UNREADABLE
    assert "no file but a folder, a pipe or a device" in found.reason or "a link that leads nowhere" in found.reason


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    written(tmp_path / "a.wav", spoken())
    (tmp_path / "locked").mkdir()
    listed = os.scandir

    def scandir(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match=r"locked' is not \(Permission denied\); mend its rights"):
        audio_names(tmp_path)


def made(name: str, content: str, rate: int = RATE, **traits: float) -> Recording:
    values = {"level": -20.0, "pitch": 150.0, "centroid": 500.0, "seconds": 3.0, "pace": 4.0, "pause": 0.1} | traits
    return Recording(name=name, sha256="0" * 64, content=content, sample_rate=rate, **values)


def test_of_the_same_audio_and_of_the_same_name_one_file_stays():
    found = [made("b.wav", "1"), made("a.flac", "1"), made("x/a.wav", "2"), made("x_a.wav", "3"), made("c.wav", "4")]
    expected = {"b.wav": (Fault.COPY, "as a.flac"), "x_a.wav": (Fault.NAME, "as x/a.wav")}
    for order in (found, found[::-1]):
        survey = sorted_out(order, RATE, resample=False)
        assert [r.name for r in survey.usable] == ["a.flac", "x/a.wav", "c.wav"]
        assert {entry.name: (entry.fault, entry.reason) for entry in survey.left_out} == expected


def test_other_rates_are_left_out_unless_clips_are_resampled():
    found: list[Recording | LeftOut] = [made("a.wav", "1"), made("b.wav", "2", 44100)]
    found.append(LeftOut("c.wav", Fault.STEREO))
    survey = sorted_out(found, RATE, resample=False)
    assert [r.name for r in survey.usable] == ["a.wav"]
    assert {fault: [e.name for e in entries] for fault, entries in survey.faults.items()} == {
        Fault.STEREO: ["c.wav"],
        Fault.RATE: ["b.wav"],
    }
    assert [r.name for r in sorted_out(found, RATE, resample=True).usable] == ["a.wav", "b.wav"]


def test_a_name_that_no_file_can_hold_is_left_out_unread(tmp_path):
    names = ["a\nb.wav", "c\udcff.wav"]
    found = list(scan(tmp_path, names, jobs=1))
    assert all(isinstance(entry, LeftOut) and "rename it" in entry.reason for entry in found)
    assert len(found) == 2


@pytest.mark.parametrize("name", ["a\u3000b.wav", "می\u200cخواهم.wav", "at 3.04\u202fPM.wav", "a\u00a0b.wav"])
def test_a_name_with_spaces_and_joiners_of_other_scripts_is_no_fault(tmp_path, name):
    written(tmp_path / name, spoken(3))
    [found] = scan(tmp_path, audio_names(tmp_path), jobs=1)
    assert isinstance(found, Recording) and found.name == name


@pytest.mark.slow
def test_processes_find_what_one_finds(tmp_path):
    for i in range(70):
        written(tmp_path / f"{i}.wav", spoken(100 + i))
    names = audio_names(tmp_path)
    by_name: Callable = lambda entry: entry.name  # noqa: E731
    alone, spread = (sorted(scan(tmp_path, names, jobs=jobs), key=by_name) for jobs in (1, 2))
    assert alone == spread


# --- the choice -----------------------------------------------------------------------------------


def crowd(number: int, seed: int = 0) -> list[Recording]:
    """Nine in ten alike, the tenth anything from whisper to shout and from low to high."""
    generator = np.random.default_rng(seed)
    wide = np.arange(number) % 10 == 0
    spread = np.where(wide, 1.0, 0.1)
    level, pitch, centroid, seconds, pace = generator.normal(size=(5, number)) * spread
    return [
        made(
            f"{i}.wav",
            f"{generator.integers(2**60):x}",
            level=-20 + 6 * level[i],
            pitch=150 * 2 ** (0.4 * pitch[i]),
            centroid=500 * 2 ** (0.5 * centroid[i]),
            seconds=4 * 2 ** (0.6 * seconds[i]),
            pace=4 + pace[i],
        )
        for i in range(number)
    ]


@pytest.mark.parametrize(
    ("files", "sizes"), [(28, (8, 20)), (31, (8, 23)), (33, (9, 24)), (36, (12, 24)), (37, (12, 24)), (300, (12, 24))]
)
def test_both_sets_have_their_sizes_and_nothing_in_common(files, sizes):
    chosen = split(crowd(files), seed=0)
    assert (len(chosen.search), len(chosen.held_out)) == sizes
    assert len({r.content for r in (*chosen.search, *chosen.held_out)}) == sum(sizes)


def test_too_few_recordings_are_no_split():
    with pytest.raises(ValueError, match="28"):
        split(crowd(LEAST - 1), seed=0)


def test_the_choice_depends_on_seed_and_content_not_on_order_or_name():
    people = crowd(200)
    renamed = [replace(person, name=f"z{i}.wav") for i, person in zip(count(), people)][::-1]
    contents = [
        [{r.content for r in part} for part in (chosen.search, chosen.held_out)]
        for chosen in (split(people, 5), split(renamed, 5), split(people, 6))
    ]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def spread_of(points: np.ndarray) -> float:
    """Mean over traits of the standard deviation."""
    return float(points.std(axis=0).mean())


@pytest.mark.parametrize("seed", range(3))
def test_each_set_covers_more_of_the_range_than_chance_does(seed):
    people = crowd(400, seed)
    points = scaled(np.array([person.traits for person in people]))
    where = {person.content: i for i, person in enumerate(people)}
    chosen = split(people, seed)
    generator = np.random.default_rng(seed)
    for part in (chosen.search, chosen.held_out):
        drawn = [generator.choice(len(people), len(part), replace=False) for _ in range(500)]
        ours = spread_of(points[[where[r.content] for r in part]])
        assert ours > np.quantile([spread_of(points[indices]) for indices in drawn], 0.99)


def test_one_odd_recording_moves_the_scale_of_no_other():
    points = np.random.default_rng(0).normal(size=(200, 2))
    odd = points.copy()
    odd[7] = [1e6, -1e6]
    np.testing.assert_allclose(np.delete(scaled(odd), 7, 0), np.delete(scaled(points), 7, 0), atol=0.1)
    assert np.abs(scaled(odd)).max() <= 1.5


@pytest.mark.parametrize("kinds", [1, 3, 12])
def test_recordings_that_are_alike_are_chosen_as_often_as_asked(kinds):
    points = np.repeat(np.random.default_rng(0).normal(size=(kinds, 5)), 10, axis=0)
    wanted = min(9, len(points) - 1)
    chosen = covering(points, wanted, seed=0)
    assert len(set(chosen.tolist())) == wanted
    assert len(np.unique(points[chosen], axis=0)) == min(kinds, wanted)


# --- what a checkpoint says -----------------------------------------------------------------------


def test_ivanvovks_checkpoint_has_its_rate_from_the_configuration_given(tmp_path):
    found = inspect(GOLDEN / "ivanvovk_tiny.pt", GOLDEN / "ivanvovk_tiny.json")
    assert found.network.startswith("ivanvovk: keys begin with nn.ublocks")
    assert (found.sample_rate, found.rate_origin) == (16000, "data_config: ivanvovk_tiny.json, as given")
    assert found.mel == "80 channels, 80 to 8000 Hz, FFT 1024, window 1024, hop 256"


def test_a_configuration_beside_the_checkpoint_is_said_to_be_there():
    found = inspect(GOLDEN / "ivanvovk_tiny.pt", None)
    assert found.origin_lines == ["model_config and data_config: ivanvovk_tiny.json beside the checkpoint"]


def test_coquis_checkpoint_says_what_it_carries_and_what_is_its_codes_default():
    found = inspect(GOLDEN / "coqui_tiny.pth", None)
    assert found.network.startswith("coqui: ")
    assert found.origins["model_params"] == "inside the checkpoint"
    assert found.rate_origin == "audio: in no configuration: the defaults of coqui's own code"
    assert found.sample_rate == 22050


def test_settings_that_a_section_leaves_out_are_named(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"audio": {"sample_rate": 24000, "mel_fmin": 20}}))
    found = inspect(GOLDEN / "coqui_tiny.pth", tmp_path / "config.json")
    defaults = "the defaults of coqui's own code"
    assert found.sample_rate == 24000
    assert found.origins["audio"] == f"config.json, as given, but for fft_size, hop_length, mel_fmax: {defaults}"


@pytest.mark.slow
def test_lmnts_rate_and_hop_come_from_the_params_it_carries(tmp_path):
    with torch.device("meta"):
        empty = WaveGradNetwork(LMNT.network_config({}), LMNT.quirks)
    shapes = exported_state(empty, LMNT)
    state = {name: torch.full(t.shape, 0.001, dtype=torch.float16) for name, t in shapes.items()}
    torch.save({"model": state, "params": {"sample_rate": 24000}}, tmp_path / "weights.pt")
    found = inspect(tmp_path / "weights.pt", None)
    assert (found.sample_rate, found.rate_origin) == (24000, "sample_rate: inside the checkpoint")
    assert found.origins["hop_samples"] == "in no configuration: the defaults of lmnt's own code"


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty recordings and what can't be a clip, in a tree; tests copy it before they change it."""
    folder = tmp_path_factory.mktemp("recorded")
    for i in range(30):
        name = f"{'deep/' if i % 2 else ''}it's {i}.{'flac' if i % 3 else 'wav'}"
        written(folder / name, spoken(100 + 5 * i, peak=0.05 + 0.02 * i))
    shutil.copy(folder / "it's 0.wav", folder / "copy.wav")
    written(folder / "stereo.wav", np.stack([spoken(), spoken()], axis=1))
    written(folder / "fast.wav", spoken(333.0, rate=48000), 48000)
    written(folder / "short.wav", spoken(seconds=0.5))
    (folder / "text.wav").write_text("not audio")
    return folder


@pytest.fixture
def place(tmp_path: Path, recorded: Path) -> Path:
    """A folder with experiments/, a checkpoint with its configuration beside it, and wavs."""
    (tmp_path / "experiments").mkdir()
    shutil.copytree(recorded, tmp_path / "wavs", copy_function=os.link)
    for name in ("ivanvovk_tiny.pt", "ivanvovk_tiny.json"):
        shutil.copy(GOLDEN / name, tmp_path / name)
    return tmp_path


def voice(place: Path, *options: str, dataset: str = "mine") -> int:
    """`schedsearch voice`; a later option of the same name wins."""
    places = {"wavs": place / "wavs", "checkpoint": place / "ivanvovk_tiny.pt", "experiments": place / "experiments"}
    given = [f"--{name}={path}" for name, path in places.items()]
    return main(["voice", f"--dataset={dataset}", *given, *options])


@pytest.mark.slow
def test_the_written_file_loads_and_a_search_opens_it(place, capsys):
    assert voice(place) == 0
    told = capsys.readouterr().out
    assert "30 of 35 files can be used" in told
    assert "1 left out, the same audio as another file: it's 0.wav (as copy.wav)" in told
    assert "1 left out, another sample rate: fast.wav (48000 Hz)" in told
    assert f".venv/bin/schedsearch check-voice --dataset mine --experiments {place / 'experiments'}" in told
    loaded = load_voice("mine", experiments=place / "experiments")
    assert loaded.sample_rate == 16000
    assert not loaded.resample
    run = open_run(loaded, Settings(iterations=6, results=place / "results"))
    assert (len(run.clips.excerpts), len(run.clips.held_out)) == (8, 22)
    names = {clip.name for clip in (*run.clips.excerpts, *run.clips.held_out)}
    assert len(names) == 30
    assert "deep_it's 1" in names


def test_the_file_says_what_was_inferred_and_from_where(place):
    voice(place)
    text = (place / "experiments" / "mine.toml").read_text()
    assert "# 16000 Hz from data_config: ivanvovk_tiny.json beside the checkpoint\n[rates.16000]\n" in text
    assert "# ivanvovk: keys begin with nn.ublocks" in text
    assert "# mel: 80 channels, 80 to 8000 Hz" in text
    assert 'checkpoint = "../ivanvovk_tiny.pt"' in text
    assert "config =" not in text


def chosen_hashes(place: Path) -> list[list[str]]:
    loaded = load_voice("mine", experiments=place / "experiments")
    assert isinstance(loaded.search_clips, ListedClips)
    assert isinstance(loaded.held_out_clips, ListedClips)
    return [sorted(clips.sha256.values()) for clips in (loaded.search_clips, loaded.held_out_clips)]


@pytest.mark.slow
def test_another_place_and_other_names_choose_the_same_recordings(place):
    for i in range(8):  # more than are chosen
        written(place / "wavs" / f"more {i}.wav", spoken(120 + 7 * i, peak=0.4))
    voice(place)
    before = chosen_hashes(place)
    moved = place / "else" / "where"
    moved.mkdir(parents=True)
    for i, name in enumerate(reversed(audio_names(place / "wavs"))):
        shutil.copy(place / "wavs" / name, moved / f"{i:03}{Path(name).suffix}")
    assert voice(place, f"--wavs={moved}", "--force") == 0
    assert chosen_hashes(place) == before
    assert voice(place, "--force", "--seed=3") == 0
    assert chosen_hashes(place) != before


def test_resampling_takes_other_rates_and_the_file_says_so(place, capsys):
    for path in (place / "wavs").rglob("*.flac"):
        samples, _ = soundfile.read(path)
        path.unlink()  # a hard link: the others' file stays as it was
        written(path, samples, 8000)
    assert voice(place, "--resample") == 0
    told = capsys.readouterr().out
    assert "20 from 8000 Hz" in told
    assert "there is nothing above 4000 Hz" in told
    loaded = load_voice("mine", experiments=place / "experiments")
    assert loaded.resample
    clips = read_clips(loaded.search_clips, sample_rate=16000, resample=loaded.resample)
    assert {clip.sample_rate for clip in clips} == {16000}


def mels_for(place: Path) -> Path:
    """A folder with the own mel of every recording that can be a clip, but for one."""
    front_end, folder = inspect(place / "ivanvovk_tiny.pt", None).front_end, place / "mels"
    folder.mkdir()
    recordings = [place / "wavs" / "copy.wav", *(place / "wavs").rglob("it's *")]
    for path in recordings:
        samples, _ = soundfile.read(path, dtype="float32")
        np.save(folder / f"{path.stem}.npy", front_end(torch.from_numpy(samples)[None])[0].numpy())
    (folder / "it's 2.npy").unlink()
    return folder


def test_a_voice_with_mels_leaves_out_recordings_without_one_and_its_file_names_their_folder(place, capsys):
    folder = mels_for(place)
    long = folder / "it's 3.npy"
    np.save(long, np.pad(np.load(long), ((0, 0), (0, 90)), mode="edge"))
    assert voice(place, f"--mels={folder}") == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert "no mel of that name in MELS" in told
    assert "1 left out, a mel that does not fit: deep/it's 3.wav (the mel has " in told
    assert f"mels of a TTS: {folder}; they begin with their recordings" in told
    assert load_voice("mine", experiments=place / "experiments").mels == place / "experiments" / ".." / "mels"


@pytest.mark.slow
def test_mels_in_another_scaling_make_no_voice(place, capsys):
    folder = mels_for(place)
    for path in folder.iterdir():
        np.save(path, 10 * np.load(path))
    assert voice(place, f"--mels={folder}") == 2
    assert "decibels of power where the checkpoint takes log10 of power: times 0.1" in capsys.readouterr().err
    assert not (place / "experiments" / "mine.toml").exists()


def test_a_file_outside_the_tree_is_named_by_its_whole_path(place, tmp_path_factory):
    away = tmp_path_factory.mktemp("away")
    shutil.copytree(place / "wavs", away / "wavs")
    voice(place, f"--wavs={away / 'wavs'}")
    assert f'folder = "{away}/wavs"' in (place / "experiments" / "mine.toml").read_text()


def test_where_datasets_lie_behind_a_link_files_are_named_by_their_whole_paths(place, tmp_path_factory):
    (place / "experiments").rmdir()
    (place / "experiments").symlink_to(tmp_path_factory.mktemp("deep"))
    voice(place)
    loaded = load_voice("mine", experiments=place / "experiments")
    assert loaded.checkpoint.is_file()
    assert are_present(loaded.held_out_clips)


def test_a_changed_recording_stops_a_search_in_one_line(place, capsys):
    voice(place)
    loaded = load_voice("mine", experiments=place / "experiments")
    assert isinstance(loaded.held_out_clips, ListedClips)
    path = loaded.held_out_clips.folder / min(loaded.held_out_clips.sha256)
    path.unlink()
    written(path, spoken(77.0))
    capsys.readouterr()
    places = [f"--experiments={place / 'experiments'}", f"--results={place / 'results'}"]
    assert main(["search", "--dataset=mine", *places]) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert path.name in told and "has changed since it was chosen" in told
    assert not (place / "results").exists()


def test_a_tiny_search_runs_on_listed_clips(toy: Toy):
    for i, path in enumerate((toy.root / "held_out").iterdir()):  # no audio of the search's
        written(path, spoken(100 + 50 * i))
    lists = {
        split_name: {path.name: file_digest(path)[:16] for path in (toy.root / split_name).iterdir()}
        for split_name in ("search", "held_out")
    }
    tables = [
        f'[rates.16000.{name}_clips]\nfolder = "{name}"\n[rates.16000.{name}_clips.sha256]\n'
        + "\n".join(f'"{file}" = "{digits}"' for file, digits in files.items())
        for name, files in lists.items()
    ]
    (toy.root / "toy.toml").write_text("\n".join(['[rates.16000]\ncheckpoint = "none.pt"', *tables]))
    assert toy.search("--budget", "1candidates", "--strategy", "random") == 0
    assert (toy.folder / "schedule.json").is_file()


def test_an_existing_file_is_replaced_only_by_force(place, capsys):
    (place / "experiments" / "mine.toml").write_text("precious")
    assert voice(place) == 2
    assert "FORCE=1" in capsys.readouterr().err
    assert (place / "experiments" / "mine.toml").read_text() == "precious"
    assert voice(place, "--force") == 0
    load_voice("mine", experiments=place / "experiments")
    assert [path.name for path in (place / "experiments").iterdir()] == ["mine.toml"]


def no_recordings(place: Path) -> None:
    shutil.rmtree(place / "wavs")
    (place / "wavs").mkdir()


def few_recordings(place: Path) -> None:
    for path in list((place / "wavs" / "deep").iterdir()):
        path.unlink()


def no_configuration(place: Path) -> None:
    (place / "ivanvovk_tiny.json").unlink()


def other_rate(place: Path) -> None:
    config = json.loads((place / "ivanvovk_tiny.json").read_text())
    config["data_config"]["sample_rate"] = 22050
    (place / "ivanvovk_tiny.json").write_text(json.dumps(config))


def torn_checkpoint(place: Path) -> None:
    (place / "ivanvovk_tiny.pt").write_bytes((place / "ivanvovk_tiny.pt").read_bytes()[:5000])


def no_experiments(place: Path) -> None:
    (place / "experiments").rmdir()


def in_the_way(place: Path) -> None:
    (place / "experiments" / "mine.toml").mkdir()


def nothing(place: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "options", "named"),
    [
        (nothing, ["--dataset=../mine"], "DATASET must begin with a letter or digit"),
        (nothing, ["--dataset=a\nb"], "DATASET must begin"),
        (nothing, ["--dataset=shipped"], "other than shipped, transfer, bench"),
        (nothing, ["--dataset=Transfer"], "and is 'Transfer'"),
        (in_the_way, ["--force"], "mine.toml must be a file that one can write"),
        (nothing, ["--dataset="], "DATASET must be given"),
        (nothing, ["--wavs="], "WAVS must be given"),
        (nothing, ["--checkpoint="], "CHECKPOINT must be given"),
        (nothing, ["--wavs=/nowhere"], "WAVS must name a folder of recordings, and '/nowhere' is not a folder"),
        (nothing, ["--wavs=/no\udcffwhere"], "a path must be text"),
        (no_recordings, [], "no file ends in .wav, .flac, .ogg, .mp3"),
        (few_recordings, [], "a voice needs 28 recordings, 8 to search on and 20 to judge with, and 15"),
        (few_recordings, [], "more than one channel (1), shorter than 1 s (1), another sample rate (1)"),
        (other_rate, [], "another sample rate (32); the vocoder has 22050 Hz (data_config"),
        (other_rate, [], "RESAMPLE=1 takes other rates"),
        (nothing, ["--resample=yes"], "RESAMPLE must be 1 or 0, and is 'yes'"),
        (nothing, ["--force=2"], "FORCE must be 1 or 0"),
        (nothing, ["--seed=-1"], "SEED must be a whole number"),
        (nothing, ["--checkpoint=/nowhere.pt"], "there is no checkpoint file '/nowhere.pt'"),
        (torn_checkpoint, [], "truncated"),
        (no_configuration, [], "CONFIG=FILE"),
        (nothing, ["--config=/nowhere.json"], "/nowhere.json"),
        (no_experiments, [], "run from the repository's root"),
        (nothing, ["--colour"], "--colour"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(place, capsys, spoil, options, named):
    spoil(place)
    before = files_below(place)
    assert voice(place, *options) == 2
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1, captured.err
    assert captured.err.startswith("schedsearch: ")
    assert named in captured.err
    assert "Traceback" not in captured.err + captured.out
    assert files_below(place) == before


@pytest.mark.parametrize("text", ['quote ", \\', "tab\t, line\n, del \x7f, null-like \x01", "ünïcödé 😀", "a = 'b' #"])
def test_a_quoted_text_is_read_back_by_toml(text):
    assert tomllib.loads(f"key = {quoted(text)}") == {"key": text}
