"""Recordings of the shape of the public ones become clips at 22,050 Hz; what is another recording is refused."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from experiments import obtain_kathleen as kathleen
from experiments.obtain_kathleen import Recording, obtain, prepare
from experiments.obtaining import clip_row, read_table, write_table

USED = [
    Recording("arctic_a0001", "1592748585", "train"),
    Recording("arctic_a0002", "1592748530", "search"),
    Recording("arctic_a0003", "1592748511", "held_out"),
]


def tone(seconds: float, hertz: float, *, rms: float = 0.05) -> np.ndarray:
    """int16 [samples, 2] at 48 kHz, the right channel silent: what is taken of it is the left one."""
    left = rms * np.sqrt(2) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * 48000)) / 48000)
    return np.round(2**15 * np.stack([left, np.zeros_like(left)], axis=1)).astype(np.int16)


@pytest.fixture
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository of the public one's layout, with another take of a prompt and one that is not used, and
    the tables that belong to it."""
    folder = tmp_path / "public"
    (folder / "data").mkdir(parents=True)
    for place, recording in enumerate(USED):
        soundfile.write(folder / recording.original, tone(1.0 + 0.1 * place, 300 + 100 * place), 48000)
    for other in ("arctic_a0001_1592748574", "arctic_b0001_1592748000"):
        soundfile.write(folder / "data" / f"{other}.wav", tone(0.7, 500), 48000)
    tables = tmp_path / "takes.csv", tmp_path / "clips.csv"
    lines = [f"{one.name},{one.take},{one.split}" for one in USED]
    tables[0].write_text("\n".join(["name,take,split", *lines, ""]))
    monkeypatch.setattr(kathleen, "TAKES", tables[0])
    monkeypatch.setattr(kathleen, "TABLE", tables[1])
    clips = [one for one in USED if one.split != "train"]
    prepared = [prepare(soundfile.read(folder / one.original, dtype="int16")[0]) for one in clips]
    write_table(tables[1], [clip_row(one.name, one.split, p, 22050) for one, p in zip(clips, prepared, strict=True)])
    return folder


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "clips.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_split_gets_its_recordings_in_the_chosen_take(public: Path, tmp_path: Path) -> None:
    said = obtain(public, tmp_path / "out")
    assert said == "train: 1 files, 0.0 min; clips: 2, as in the table"
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.flac"))
    assert found == [
        "clips/held_out/arctic_a0003.flac",
        "clips/search/arctic_a0002.flac",
        "train/arctic_a0001.flac",
    ]
    info = soundfile.info(tmp_path / "out" / "train" / "arctic_a0001.flac")
    assert (info.samplerate, info.channels, info.subtype) == (22050, 1, "PCM_16")
    assert info.duration == pytest.approx(1.0, abs=1 / 22050)  # the take of 1.0 s, not that of 0.7 s
    assert (tmp_path / "out" / "clips.csv").read_text() == kathleen.TABLE.read_text()


def test_clips_are_levelled_to_minus_23_dbfs() -> None:
    audio = prepare(tone(1.0, 1000, rms=0.01)) / 2**15
    assert 20 * np.log10(np.sqrt(np.mean(audio**2))) == pytest.approx(-23, abs=0.01)


def test_a_peak_stays_below_full_scale_at_the_cost_of_the_level() -> None:
    sparse = np.zeros((48000, 2), np.int16)
    sparse[::4800] = 20000
    audio = prepare(sparse) / 2**15
    assert np.abs(audio).max() == pytest.approx(0.95, abs=1e-4)
    assert np.sqrt(np.mean(audio**2)) < 10 ** (-23 / 20)


def test_what_lies_below_60_hz_goes_and_speech_stays() -> None:
    hum, voice = tone(1.0, 20, rms=0.05), tone(1.0, 1000, rms=0.05)
    audio = prepare((hum + voice).astype(np.int16)) / 2**15
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    hertz = np.fft.rfftfreq(len(audio), 1 / 22050)
    at = lambda f: power[np.argmin(np.abs(hertz - f))]  # noqa: E731
    # Butterworth, 4th order, twice: |H|^2 = 1 / (1 + (60 / f)^8)^2 = -76 dB at 20 Hz, 0 dB at 1 kHz.
    assert 10 * np.log10(at(20) / at(1000)) < -70


def test_a_prepared_folder_gives_its_samples_unchanged_and_is_told_apart(
    public: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = tmp_path / "prepared"
    obtain(public, tmp_path / "first")
    (prepared / "flac").mkdir(parents=True)
    for path in (tmp_path / "first").rglob("*.flac"):
        shutil.copy(path, prepared / "flac")
    changed, _ = soundfile.read(prepared / "flac" / "arctic_a0002.flac", dtype="int16")
    changed[100] += 1  # what another resampler's rounding does
    soundfile.write(prepared / "flac" / "arctic_a0002.flac", changed, 22050, subtype="PCM_16")
    lines = [f"flac/{one.name}.flac,train,1.0" for one in USED]
    (prepared / "manifest.csv").write_text("\n".join(["file,split,seconds", *lines, ""]))
    assert "1 of them as in the table" in obtain(prepared, tmp_path / "out")
    assert "1 of 2 clips, such as arctic_a0002, differ in their samples" in capsys.readouterr().err
    copied, _ = soundfile.read(tmp_path / "out" / "clips" / "search" / "arctic_a0002.flac", dtype="int16")
    assert (copied == changed).all()


def test_another_take_is_refused(public: Path, tmp_path: Path) -> None:
    soundfile.write(public / USED[1].original, tone(0.9, 400), 48000)
    with pytest.raises(SystemExit, match="arctic_a0002 lasts 0.9.* instead of 1.1.* another take"):
        obtain(public, tmp_path / "out")


def test_a_missing_recording_is_named(public: Path, tmp_path: Path) -> None:
    (public / USED[2].original).unlink()
    with pytest.raises(SystemExit, match="arctic_a0003_1592748511.wav cannot be read"):
        obtain(public, tmp_path / "out")


def test_a_recording_at_another_rate_is_refused(public: Path, tmp_path: Path) -> None:
    soundfile.write(public / USED[0].original, tone(1.0, 300), 44100)
    with pytest.raises(SystemExit, match="must be 48000 Hz with 1 or 2 channels, and is 44100 Hz"):
        obtain(public, tmp_path / "out")


@pytest.mark.parametrize(
    ("manifest", "reason"), [("name\nx\n", "must have a column 'file'"), ("file\na.flac\n", "lacks arctic_a0001")]
)
def test_a_manifest_that_is_none_of_ours_is_refused(
    public: Path, tmp_path: Path, manifest: str, reason: str
) -> None:
    (public / "manifest.csv").write_text(manifest)
    with pytest.raises(SystemExit, match=reason):
        obtain(public, tmp_path / "out")


def test_a_file_of_another_selection_is_refused(public: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "train").mkdir(parents=True)
    (tmp_path / "out" / "train" / "stranger.flac").touch()
    with pytest.raises(SystemExit, match="stranger.flac does not belong to this voice"):
        obtain(public, tmp_path / "out")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not on this machine")
def test_a_clone_holds_the_fixed_commit_alone(public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = ["git", "-C", str(public), "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "data"], ["commit", "-qm", "recordings"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    monkeypatch.setattr(kathleen, "REPOSITORY", str(public))
    monkeypatch.setattr(kathleen, "COMMIT", commit)
    (tmp_path / "clone").mkdir()
    folder = kathleen.clone(tmp_path / "clone")
    assert (folder / USED[0].original).read_bytes() == (public / USED[0].original).read_bytes()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not on this machine")
def test_a_failed_clone_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kathleen, "REPOSITORY", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit, match="git fetch of .* failed .* pass its folder with --source"):
        kathleen.clone(tmp_path)


def test_a_source_that_is_no_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["obtain", str(tmp_path / "out"), "--source", str(tmp_path / "none")])
    with pytest.raises(SystemExit, match="none is no folder"):
        kathleen.main()


def test_the_committed_tables_agree_and_split_by_the_stated_rule() -> None:
    used = [Recording(**row) for row in read_table(kathleen.TAKES)]
    names = [one.name for one in used]
    assert names == sorted(set(names))  # one take of each prompt: none stands on two sides
    kept = [one for one in used if one.split != "train"]
    assert (len(used), len(kept)) == (380, 28)
    assert [one.split for one in kept] == ["search" if i % 7 in (0, 3) else "held_out" for i in range(28)]
    with kathleen.TABLE.open(newline="") as file:
        assert [(row["name"], row["split"]) for row in csv.DictReader(file)] == [(one.name, one.split) for one in kept]
