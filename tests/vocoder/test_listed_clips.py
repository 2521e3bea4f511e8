"""Clips by name and hash: what is read is what was chosen, and whatever else lies there now is named."""

import os
from pathlib import Path

import pytest
import torch

from vocoder.audio.listed_clips import KEPT_DIGITS, ListedClips, file_digest, read_clips
from vocoder.audio.reading import read_folder, write_wav
from vocoder.errors import InputError

RATE = 16000


def recorded(path: Path, seed: int) -> Path:
    write_wav(path, 0.1 * torch.randn(RATE // 2, generator=torch.Generator().manual_seed(seed)), RATE)
    return path


def listed(folder: Path, *names: str) -> ListedClips:
    return ListedClips(folder, {name: file_digest(folder / name)[:KEPT_DIGITS] for name in names})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(("b.wav", "a.wav", "other.wav", "deep/a.wav")):
        recorded(tmp_path / name, seed)
    return tmp_path


def refusal(clips: ListedClips) -> str:
    with pytest.raises(InputError) as found:
        read_clips(clips, sample_rate=RATE)
    assert len(str(found.value).splitlines()) == 1
    return str(found.value)


def test_a_digest_is_what_sha256sum_prints(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert file_digest(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_listed_files_are_read_by_name_and_no_others(folder):
    clips = read_clips(listed(folder, "b.wav", "a.wav", "deep/a.wav"), sample_rate=RATE)
    assert [clip.name for clip in clips] == ["a", "b", "deep_a"]
    everything = {clip.name: clip.audio for clip in read_folder(folder, sample_rate=RATE)}
    assert all(torch.equal(clip.audio, everything[clip.name]) for clip in clips[:2])


def test_a_folder_is_read_whole(folder):
    assert [clip.name for clip in read_clips(folder, sample_rate=RATE)] == ["a", "b", "other"]


def test_a_changed_file_is_named_with_the_way_out(folder):
    clips = listed(folder, "a.wav", "b.wav")
    recorded(folder / "b.wav", 99)
    message = refusal(clips)
    assert f"{folder / 'b.wav'}" in message
    assert "has changed since it was chosen" in message
    assert "FORCE=1" in message


def test_a_file_that_is_gone_is_named_with_the_way_out(folder):
    clips = listed(folder, "a.wav", "deep/a.wav")
    (folder / "deep" / "a.wav").unlink()
    message = refusal(clips)
    assert "'deep/a.wav'" in message
    assert "FORCE=1" in message


def test_what_read_audio_refuses_is_refused_here(folder):
    with pytest.raises(InputError, match="16000 Hz, the vocoder needs 22050 Hz"):
        read_clips(listed(folder, "a.wav"), sample_rate=22050)


def test_a_pipe_in_place_of_a_listed_file_is_named_and_never_waited_for(folder):
    clips = listed(folder, "a.wav")
    (folder / "a.wav").unlink()
    os.mkfifo(folder / "a.wav")
    assert "'a.wav' cannot be read" in refusal(clips)


def test_a_name_with_a_null_byte_is_one_line(folder):
    assert "cannot be read" in refusal(ListedClips(folder, {"a\0.wav": "0" * 16}))


@pytest.mark.parametrize("name", ["...wav", "../a.wav", "/a.wav", ""])
def test_a_name_that_is_no_file_of_its_own_below_the_folder_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="must be a path below its folder"):
        ListedClips(tmp_path, {name: "0" * KEPT_DIGITS})
