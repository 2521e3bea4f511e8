"""Reading, resampling and writing audio: what is read is what was written, and every refusal says why."""

import inspect
import os
import stat
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from vocoder.audio import reading
from vocoder.audio.decoder import open_to_the_end
from vocoder.audio.reading import (
    Clip,
    cut_to_hops,
    read_audio,
    read_folder,
    resample,
    typical_excerpt,
    write_wav,
)
from vocoder.errors import InputError

RATE = 16000


def tone(seconds: float = 0.5, rate: int = RATE, hertz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    return (peak * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def written(path: Path, samples: np.ndarray, rate: int = RATE, subtype: str | None = None) -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def refusal(path: Path, *, sample_rate: int | None = RATE, allow: bool = False) -> str:
    """The message with which a file is refused; checked to be one line that names the clip."""
    with pytest.raises(InputError) as caught:
        read_audio(path, sample_rate=sample_rate, resample=allow)
    message = str(caught.value)
    assert "\n" not in message
    assert path.stem in message
    return message


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("a.wav", "PCM_U8", 1 / 127),
        ("a.wav", "PCM_16", 1 / 32767),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "PCM_32", 1e-7),
        ("a.wav", "FLOAT", 0),
        ("a.wav", "DOUBLE", 0),
        ("a.flac", "PCM_16", 1 / 32767),
        ("a.ogg", "VORBIS", 0.05),
    ],
)
def test_each_format_gives_the_samples_that_were_written(
    tmp_path: Path, name: str, subtype: str, tolerance: float
) -> None:
    clip = read_audio(written(tmp_path / name, tone(), subtype=subtype), sample_rate=RATE)
    assert (clip.name, clip.sample_rate, clip.audio.dtype) == ("a", RATE, torch.float32)
    np.testing.assert_allclose(clip.audio, tone(), rtol=0, atol=tolerance)


def test_mp3_decodes_to_the_tone_that_was_written(tmp_path: Path) -> None:
    clip = read_audio(written(tmp_path / "a.mp3", tone(1.0)), sample_rate=RATE)
    spectrum = torch.fft.rfft(clip.audio).abs()
    peak = float(spectrum.argmax()) * RATE / len(clip.audio)
    assert peak == pytest.approx(440, abs=2)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.wav")


def test_a_name_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.wav"  # b"caf\xe9.wav" on disk
    with pytest.raises(InputError, match="must be UTF-8; rename it"):
        read_audio(path, sample_rate=RATE)
    with pytest.raises(InputError, match="must be UTF-8; rename it"):
        Clip(path.stem, torch.zeros(9), RATE)


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3"])
def test_the_name_of_a_folder_need_not_be_utf_8(tmp_path: Path, ending: str) -> None:
    plain = written(tmp_path / f"a.{ending}", tone())
    folder = tmp_path / "caf\udce9"  # b"caf\xe9" on disk
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("a file system that takes UTF-8 alone")
    torch.testing.assert_close(
        read_audio(plain.rename(folder / plain.name), sample_rate=RATE).audio,
        read_audio(written(plain, tone()), sample_rate=RATE).audio,
    )
    (folder / plain.name).write_bytes(b"no audio")
    assert "cannot be decoded" in refusal(folder / plain.name)


def test_text_is_no_audio(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text(
        "not audio at all, but text long enough for a header to be looked for in it"
    )
    assert "cannot be decoded" in refusal(tmp_path / "a.wav")


def test_an_empty_file_and_a_file_without_samples_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert "empty" in refusal(tmp_path / "a.wav")
    assert "has 0" in refusal(written(tmp_path / "b.wav", np.zeros(0, np.float32)))


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_truncated_file_is_refused_and_not_read_as_a_shorter_clip(tmp_path: Path, name: str) -> None:
    whole = written(tmp_path / name, tone(2.0)).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) * 2 // 3])
    assert "truncated" in refusal(tmp_path / name)


writes_bit_rates = pytest.mark.skipif(
    "bitrate_mode" not in inspect.signature(soundfile.write).parameters, reason="soundfile before 0.13 can't write it"
)


@writes_bit_rates
def test_an_mp3_whose_length_is_an_estimate_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    soundfile.write(path, tone(4.0, rate=22050), 22050, bitrate_mode="CONSTANT", compression_level=0.5)
    content = path.read_bytes()
    path.write_bytes(content[content.index(content[:4], 4) :])  # without the frame that says how long it is
    found = len(read_audio(path, sample_rate=22050).audio)
    assert 4.0 * 22050 <= found < soundfile.info(path).frames


def without_xing(path: Path, samples: np.ndarray, mode: str, *, tag: int = 0) -> bytes:
    """An MP3 without the first frame, which says how long it is, behind an ID3 tag of `tag` bytes of padding."""
    soundfile.write(path, samples, RATE, bitrate_mode=mode, compression_level=0.3)
    content = path.read_bytes()
    head = b"ID3\3\0\0" + bytes([0, 0, tag >> 7, tag & 127]) + bytes(tag) if tag else b""
    path.write_bytes(head + content[content.index(content[:2], 4) :])
    return content


def swelling(samples: int) -> np.ndarray:
    """Silence that becomes noise: variable bit rates change in it."""
    noise = np.random.default_rng(0).standard_normal(samples) * np.linspace(0, 1, samples) ** 4
    return (0.2 * noise).astype(np.float32)


@writes_bit_rates
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("tag", [0, 4096, 16000])
def test_an_mp3_without_a_length_is_decoded_to_its_end_whatever_its_size_suggests(
    tmp_path: Path, mode: str, tag: int
) -> None:
    path = tmp_path / "a.mp3"
    without_xing(path, swelling(40000), mode, tag=tag)
    assert abs(soundfile.info(path).frames - 40000) > 2000 or (mode, tag) == ("CONSTANT", 0)  # else a needless test
    assert 40000 <= len(read_audio(path, sample_rate=RATE).audio) <= 40000 + 3 * 1152  # a coder's delay and padding


def test_an_mp3_that_was_joined_from_two_is_read_whole(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.mp3", swelling(40000), RATE)
    (tmp_path / "a.mp3").write_bytes(2 * (tmp_path / "a.mp3").read_bytes())  # the first one's header
    assert len(read_audio(tmp_path / "a.mp3", sample_rate=RATE).audio) >= 80000


@writes_bit_rates
def test_an_mp3_with_a_length_has_exactly_its_samples_and_a_cut_one_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.mp3", swelling(40000), RATE, bitrate_mode="VARIABLE")
    assert len(read_audio(tmp_path / "a.mp3", sample_rate=RATE).audio) == 40000
    content = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(content[: len(content) // 2])
    assert "of 40000 samples decode" in refusal(tmp_path / "a.mp3")


def streamed_flac(path: Path) -> bytes:
    """A FLAC whose header has 0 samples, as one that was written to a pipe."""
    content = bytearray(written(path, tone(2.8)).read_bytes())
    content[21] &= 0xF0  # the length is the last 36 bits before the MD5 sum
    content[22:26] = bytes(4)
    path.write_bytes(content)
    return bytes(content)


def test_a_flac_without_a_length_is_read_whole(tmp_path: Path) -> None:
    streamed_flac(tmp_path / "a.flac")
    np.testing.assert_allclose(read_audio(tmp_path / "a.flac", sample_rate=RATE).audio, tone(2.8), atol=1 / 32767)


@pytest.mark.skipif(
    tuple(map(int, soundfile.__libsndfile_version__.split("."))) < (1, 2, 2),
    reason="libsndfile before 1.2.2 tells nobody that such a file is cut",
)
def test_a_cut_flac_without_a_length_is_refused(tmp_path: Path) -> None:
    content = streamed_flac(tmp_path / "a.flac")
    for part in (0.5, 0.9, 0.999):
        (tmp_path / "a.flac").write_bytes(content[: int(part * len(content))])
        assert "truncated or damaged" in refusal(tmp_path / "a.flac")


@pytest.mark.parametrize(
    ("kind", "endian"),
    [("WAV", "LITTLE"), ("WAV", "BIG"), ("WAVEX", "LITTLE"), ("RF64", "LITTLE"), ("W64", "LITTLE")]
    + [(kind, "FILE") for kind in ("AIFF", "AU", "CAF", "NIST")],
)
def test_a_truncated_wav_of_each_kind_is_refused_with_how_much_is_missing(
    tmp_path: Path, kind: str, endian: str
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(2.0), RATE, format=kind, endian=endian)
    assert len(read_audio(path, sample_rate=RATE).audio) == 2 * RATE
    content = path.read_bytes()
    path.write_bytes(content[: -RATE - 7])
    assert f"truncated, {RATE + 7} bytes are missing at the end" in refusal(path)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_without_its_last_page_is_refused_and_so_are_two_in_one_file(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "a.ogg"
    soundfile.write(path, tone(4.0), RATE, format="OGG", subtype=subtype)
    content = path.read_bytes()
    path.write_bytes(content + bytes(50))  # what is no page is left out
    assert len(read_audio(path, sample_rate=RATE).audio) == 4 * RATE
    for length in (len(content) // 2, len(content) - 1, content.rindex(b"OggS")):
        path.write_bytes(content[:length])
        assert "truncated, its last page is missing" in refusal(path)
    path.write_bytes(2 * content)
    assert "several recordings joined in one file" in refusal(path)


@pytest.mark.parametrize("tag", [b"TAG" + bytes(125), b"APETAGEX" + bytes(24)])
def test_a_tag_behind_the_audio_of_a_flac_is_no_damage(tmp_path: Path, tag: bytes) -> None:
    path = written(tmp_path / "a.flac", tone(2.0))
    path.write_bytes(path.read_bytes() + tag)
    assert len(read_audio(path, sample_rate=RATE).audio) == 2 * RATE


def ape_tag(size: int) -> bytes:
    """An APE tag with a picture of so many bytes."""
    head, foot = (b"APETAGEX" + struct.pack("<4I8x", 2000, size + 32, 1, flags << 29) for flags in (5, 4))
    return head + np.random.default_rng(0).bytes(size) + foot


@pytest.mark.parametrize("tag", [b"", b"TAG" + bytes(125), b"LYRICSBEGIN000011LYRICS200" + b"TAG" + bytes(125)])
@pytest.mark.parametrize("padding", [b"", bytes(20000), ape_tag(100_000)], ids=["none", "zeros", "picture"])
def test_tags_and_zeros_at_the_end_of_an_mp3_are_no_audio(tmp_path: Path, tag: bytes, padding: bytes) -> None:
    soundfile.write(tmp_path / "a.mp3", swelling(40000), RATE)
    (tmp_path / "a.mp3").write_bytes((tmp_path / "a.mp3").read_bytes() + padding + tag)
    assert len(read_audio(tmp_path / "a.mp3", sample_rate=RATE).audio) == 40000


@writes_bit_rates
def test_nor_are_they_where_no_xing_frame_says_how_long_it_is(tmp_path: Path) -> None:
    without_xing(tmp_path / "a.mp3", swelling(40000), "VARIABLE")
    alone = read_audio(tmp_path / "a.mp3", sample_rate=RATE).audio
    (tmp_path / "a.mp3").write_bytes((tmp_path / "a.mp3").read_bytes() + ape_tag(100_000))
    assert torch.equal(read_audio(tmp_path / "a.mp3", sample_rate=RATE).audio, alone)


def test_a_kind_of_file_whose_end_is_not_checked_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), RATE, format="VOC")
    assert "a VOC file, which is not read; convert it to WAV" in refusal(tmp_path / "a.wav")


@pytest.mark.parametrize("riff", [0, 36])
def test_a_wav_whose_writer_never_came_to_write_its_length_is_read_whole(tmp_path: Path, riff: int) -> None:
    path = written(tmp_path / "a.wav", tone())
    whole = read_audio(path, sample_rate=RATE).audio
    content = bytearray(path.read_bytes())
    content[4:8] = struct.pack("<I", riff)
    at = content.index(b"data") + 4
    content[at : at + 4] = bytes(4)
    path.write_bytes(content)
    assert torch.equal(read_audio(path, sample_rate=RATE).audio, whole)


def test_one_that_has_more_audio_than_a_header_can_say_is_opened(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", tone())
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = bytes(4)
    path.write_bytes(content)
    os.truncate(path, (1 << 32) + 5000)  # with a hole, that takes no room
    with open_to_the_end(path) as file:
        assert file.frames > 1 << 30


@pytest.mark.parametrize("size", [1000, RATE])
def test_a_wav_with_more_audio_than_its_header_says_is_refused(tmp_path: Path, size: int) -> None:
    path = written(tmp_path / "a.wav", tone(1.0, hertz=3000))
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(content)
    assert f"promises {size} bytes of audio, and {2 * RATE - size} more follow" in refusal(path)


def test_chunks_behind_the_audio_are_no_audio(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", tone())
    path.write_bytes(path.read_bytes() + b"LIST" + struct.pack("<I", 5000) + bytes(5000) + b"junk" + bytes(4))
    assert len(read_audio(path, sample_rate=RATE).audio) == len(tone())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["WAV", "RF64", "W64"])
def test_a_header_with_any_byte_changed_is_read_or_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), RATE, format=kind)
    content = path.read_bytes()
    for at in range(120):
        for value in (0, 1, 127, 255):
            path.write_bytes(content[:at] + bytes([value]) + content[at + 1 :])
            try:
                read_audio(path, sample_rate=RATE, resample=True)
            except InputError as error:
                assert len(str(error).splitlines()) == 1


W64 = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000") + bytes(24)


@pytest.mark.parametrize("begin", [b"caff" + bytes(4) + b"junk" + b"\x7f" + 7 * b"\xff", W64 + 24 * b"\xff"])
def test_a_chunk_said_to_be_longer_than_any_file_is_refused_in_one_line(tmp_path: Path, begin: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(begin + bytes(1000))
    assert "cannot be decoded" in refusal(path)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_from_a_pipe_has_no_size_and_is_not_truncated(tmp_path: Path, size: int) -> None:
    path = written(tmp_path / "a.wav", tone())
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(data)
    assert len(read_audio(path, sample_rate=RATE).audio) == len(tone())


def test_the_wrong_rate_is_refused_with_both_rates_and_the_way_out(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", tone(rate=8000), 8000)
    expected = "clip a: 8000 Hz, the vocoder needs 16000 Hz; set resample = true"
    assert refusal(path) == expected


def test_no_wanted_rate_accepts_every_rate(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", tone(rate=8000), 8000)
    assert read_audio(path, sample_rate=None).sample_rate == 8000


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_resampling_keeps_the_tone_and_the_duration(tmp_path: Path, rate: int) -> None:
    path = written(tmp_path / "a.wav", tone(1.0, rate), rate, subtype="FLOAT")
    clip = read_audio(path, sample_rate=RATE, resample=True)
    assert clip.sample_rate == RATE
    assert len(clip.audio) == RATE
    inner = slice(1000, -1000)  # the filter rings at the ends
    np.testing.assert_allclose(clip.audio[inner], tone(1.0)[inner], rtol=0, atol=1e-3)


def test_resampling_a_batch_is_resampling_each_clip() -> None:
    batch = torch.from_numpy(np.stack([tone(hertz=300), tone(hertz=900)]))
    each = torch.stack([resample(clip, RATE, 22050) for clip in batch])
    torch.testing.assert_close(resample(batch, RATE, 22050), each, rtol=0, atol=1e-6)


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    audio = torch.from_numpy(tone())
    assert torch.equal(resample(audio, RATE, RATE), audio)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path: Path, bad: float) -> None:
    samples = tone()
    samples[7] = bad
    assert "1 are NaN or infinite" in refusal(written(tmp_path / "a.wav", samples, subtype="FLOAT"))


def test_stereo_is_refused_with_the_command_that_makes_it_mono(tmp_path: Path) -> None:
    message = refusal(written(tmp_path / "a.wav", np.stack([tone(), tone()], axis=1)))
    assert "2 channels" in message
    assert "remix 1" in message


def test_silence_is_refused(tmp_path: Path) -> None:
    assert "silent" in refusal(written(tmp_path / "a.wav", tone(peak=5e-5), subtype="FLOAT"))


def test_samples_on_an_integer_scale_are_refused(tmp_path: Path) -> None:
    assert "-1..1" in refusal(written(tmp_path / "a.wav", tone(peak=20000), subtype="FLOAT"))


def test_small_overshoots_are_clipped_to_full_scale(tmp_path: Path) -> None:
    clip = read_audio(written(tmp_path / "a.wav", tone(peak=1.05), subtype="FLOAT"), sample_rate=RATE)
    assert clip.audio.abs().max() == 1


@pytest.mark.parametrize(("samples", "accepted"), [(RATE // 4, True), (RATE // 4 - 1, False)])
def test_a_quarter_second_is_the_shortest_clip(tmp_path: Path, samples: int, accepted: bool) -> None:
    path = written(tmp_path / "a.wav", tone()[:samples])
    if accepted:
        assert len(read_audio(path, sample_rate=RATE).audio) == samples
    else:
        assert "0.25 s" in refusal(path)


def test_a_folder_gives_its_audio_by_name_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.wav", "a.flac", "C.WAV", ".hidden.wav"):
        written(tmp_path / name, tone())
    (tmp_path / "notes.txt").write_text("not audio")
    assert [clip.name for clip in read_folder(tmp_path, sample_rate=RATE)] == ["C", "a", "b"]


def no_file(path: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to({"device": Path("/dev/zero"), "loop": path, "nothing": path.parent / "gone"}[kind])


@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "nothing"])
def test_what_is_no_file_is_named_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    written(tmp_path / "a.wav", tone())
    no_file(tmp_path / "b.wav", kind)
    with pytest.raises(InputError, match="clip b: (no file but a .*, a pipe or a device|a link that leads nowhere)"):
        read_folder(tmp_path, sample_rate=RATE)


def test_a_folder_with_an_audio_file_s_name_is_passed_over(tmp_path: Path) -> None:
    written(tmp_path / "a.wav", tone())
    (tmp_path / "b.wav").mkdir()
    assert [clip.name for clip in read_folder(tmp_path, sample_rate=RATE)] == ["a"]


def test_a_folder_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.wav", tone())
    written(tmp_path / "a.flac", tone())
    with pytest.raises(InputError, match="stands twice"):
        read_folder(tmp_path, sample_rate=RATE)


def test_a_missing_folder_and_one_without_audio_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_folder(tmp_path / "absent", sample_rate=RATE)
    with pytest.raises(InputError, match=r"\.wav, \.flac, \.ogg, \.mp3"):
        read_folder(tmp_path, sample_rate=RATE)


def test_cutting_leaves_whole_hops_and_the_beginning() -> None:
    audio = torch.arange(1000.0)
    assert torch.equal(cut_to_hops(audio, 300), audio[:900])
    assert cut_to_hops(torch.zeros(2, 1000), 300).shape == (2, 900)
    with pytest.raises(InputError, match="one hop"):
        cut_to_hops(torch.zeros(299), 300)


def test_a_written_wav_reads_back_within_one_step_of_16_bits(tmp_path: Path) -> None:
    audio = torch.from_numpy(tone())
    write_wav(tmp_path / "new" / "a.wav", audio, RATE)
    clip = read_audio(tmp_path / "new" / "a.wav", sample_rate=RATE)
    torch.testing.assert_close(clip.audio, audio, rtol=0, atol=1 / 32767)


def test_a_written_wav_clips_and_does_not_wrap_around(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", torch.tensor([1.5, -1.5]).repeat(4000), RATE)
    audio = read_audio(tmp_path / "a.wav", sample_rate=RATE).audio
    assert audio[0] > 0.999
    assert audio[1] < -0.999


def test_a_refused_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", torch.from_numpy(tone()), RATE)
    before = (tmp_path / "a.wav").read_bytes()
    with pytest.raises(InputError, match="finite"):
        write_wav(tmp_path / "a.wav", torch.full((8000,), float("nan")), RATE)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == before


def test_a_failed_write_leaves_nothing_unfinished(tmp_path: Path) -> None:
    (tmp_path / "a.wav").mkdir()  # a folder in its place
    with pytest.raises(InputError, match="cannot write"):
        write_wav(tmp_path / "a.wav", torch.from_numpy(tone()), RATE)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_a_written_wav_can_be_read_by_others(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_wav(tmp_path / "a.wav", torch.from_numpy(tone()), RATE)
    assert stat.S_IMODE((tmp_path / "a.wav").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )


def test_a_clip_is_one_channel_of_float32() -> None:
    with pytest.raises(InputError, match="float32"):
        Clip("a", torch.zeros(2, 100), RATE)
    with pytest.raises(InputError, match="float32"):
        Clip("a", torch.zeros(100, dtype=torch.float64), RATE)


def test_the_typical_excerpt_is_as_loud_as_its_clip_and_starts_at_a_whole_hop():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(16_000, generator=generator) * 0.1
    clip = Clip("quiet, then loud", noise * torch.linspace(0.01, 1.0, 16_000), 16_000)
    excerpt = typical_excerpt(clip, 0.25, 100)
    assert len(excerpt.audio) == 4000
    starts = [i for i in range(0, 12_001, 100) if torch.equal(clip.audio[i : i + 4000], excerpt.audio)]
    assert len(starts) == 1
    hops = (clip.audio.reshape(-1, 100).square().mean(1) + 1e-8).log()
    chosen = (excerpt.audio.reshape(-1, 100).square().mean(1) + 1e-8).log()
    assert abs(float(chosen.mean() - hops.mean())) < 0.05


def test_a_clip_shorter_than_the_excerpt_is_taken_whole():
    clip = Clip("short", torch.linspace(-0.5, 0.5, 8000), 16_000)
    assert torch.equal(typical_excerpt(clip, 1.0, 100).audio, clip.audio)


def test_a_rate_that_would_make_minutes_of_each_sample_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", tone(), rate=1)
    assert "1 Hz, 1000 Hz is the least" in refusal(path, allow=True)


def test_what_would_be_too_long_at_the_rate_that_is_needed_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reading, "MOST_SAMPLES", 20000)
    path = written(tmp_path / "a.wav", tone(1.0, 16000), rate=8000)
    assert "longer than 20000 samples at 16000 Hz" in refusal(path, allow=True)


@pytest.mark.parametrize("name", ["a" * 5000 + ".wav", "a\0.wav"])
def test_a_name_that_no_file_can_have_is_one_line(name: str) -> None:
    with pytest.raises(InputError, match="check the path"):  # the middle of a long message is left out
        read_audio(name, sample_rate=RATE)
