"""A TTS's mels take the place of the recordings' own: matched by name, checked against these, cut with the clips."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import noise_clip
from scipy.ndimage import gaussian_filter

from schedsearch.cli import main
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.sampling.noise import NoiseBank
from schedsearch.voice.config import load_voice
from schedsearch.voice.mels.attached import with_mels
from schedsearch.voice.mels.files import MelFiles, mel_paths, read_mel
from schedsearch.voice.opened import clips_hash, clips_of_a_search, open_vocoder
from vocoder.audio.reading import cut_to_hops, read_folder, typical_excerpt
from vocoder.errors import InputError
from vocoder.front_end_check.general_mel import GeneralMel
from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.front_ends.lmnt import LmntMel

DEMO = Path(__file__).parents[2] / "experiments" / "demo" / "16000hz" / "clips" / "search"
HOP = 256
FRONT_END = IvanvovkMel(16000, 1024, 1024, HOP, 80.0, 8000.0, 80)
GENERAL = GeneralMel(16000, 1024, 1024, HOP, 80.0, 8000.0, 80)  # the same front end
TACOTRON = replace(GENERAL, power=1.0, scale=1.0, floor=1e-5, mel_scale="slaney", mel_norm=True, f_min=0.0)


@pytest.fixture(scope="module")
def clips():
    return [typical_excerpt(clip, 1.5, HOP) for clip in read_folder(DEMO, sample_rate=16000)[:4]]


def own_mel(clip, front_end=FRONT_END):
    return front_end(cut_to_hops(clip.audio, front_end.hop_length)[None])[0].numpy()


def predicted(mel):
    """As a TTS has it: each frame is the mean of what its neighbours could have been."""
    return gaussian_filter(mel, (0.7, 1.0), mode="nearest")


def given(folder, clips, make, front_end=FRONT_END):
    """Writes make(a TTS's mel of a clip) for each, and returns the clips with these."""
    paths = {clip.name: folder / f"{clip.name}.npy" for clip in clips}
    for clip in clips:
        np.save(paths[clip.name], make(predicted(own_mel(clip, front_end))).astype(np.float32))
    return with_mels(clips, paths, FRONT_END)


def refusal(folder, clips, make, front_end=FRONT_END):
    with pytest.raises(InputError) as raised:
        given(folder, clips, make, front_end)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# --- reading --------------------------------------------------------------------------------------

MEL = np.arange(80 * 7, dtype=np.float32).reshape(80, 7)


def saved(path, content):
    np.save(path, content) if path.suffix == ".npy" else torch.save(content, path)
    return path


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.npy", MEL),
        ("a.npy", MEL.T),
        ("a.npy", MEL[None]),
        ("a.npy", MEL.T[None]),
        ("a.npy", MEL.astype(np.float64)),
        ("a.pt", torch.from_numpy(MEL)),
        ("a.pt", torch.from_numpy(MEL).T),
        ("a.pt", torch.nn.Parameter(torch.from_numpy(MEL))),
        ("a.pt", {"mel": torch.from_numpy(MEL), "text": "hello"}),
        ("a.pt", [torch.from_numpy(MEL)]),
        ("a.pt", MEL),
    ],
)
def test_each_layout_is_read_as_mels_by_frames(tmp_path, name, content):
    mel = read_mel(saved(tmp_path / name, content), 80)
    assert mel.dtype == torch.float32
    assert mel.tolist() == MEL.tolist()


def test_a_square_mel_is_turned_where_the_recordings_own_says_so(tmp_path, clips):
    own = torch.from_numpy(own_mel(clips[0])[:, :80])
    path = saved(tmp_path / "a.npy", own.T.numpy())
    assert read_mel(path, 80, like=own).equal(own)
    assert read_mel(saved(path, own.numpy()), 80, like=own).equal(own)


@pytest.mark.parametrize(
    "content, words",
    [
        (MEL[:79], "80 mels, and is [79, 7]"),
        (MEL[0], "and is [7]"),
        (MEL.astype(np.int64), "floating-point numbers, and holds int64"),
        (np.where(MEL == 3, np.nan, MEL), "finite, and 1 are NaN"),
        ({"a": MEL, "b": MEL}, "holds NoneType"),
    ],
)
def test_what_is_no_mel_is_refused_by_name(tmp_path, content, words):
    path = saved(tmp_path / "a.npy", content)
    with pytest.raises(InputError) as raised:
        read_mel(path, 80)
    assert words in str(raised.value)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    "recording, mel",
    [
        ("a.wav", "a.npy"),
        ("a.wav", "a.pt"),
        ("a.wav", "a.wav.spec.npy"),  # as lmnt's preprocess names them
        ("a.wav", "a.mel.npy"),
        ("sub/a.flac", "sub/a.npy"),
        ("sub/a.flac", "a.npy"),  # as coqui's extract_tts_spectrograms names them
        ("sub/a.flac", "sub_a.npy"),
        ("a.1.wav", "a.1.npy"),
        ("a_mel.wav", "a_mel.npy"),
        ("sub/a.spec.wav", "sub/a.spec.npy"),
    ],
)
def test_mels_are_matched_by_name(tmp_path, recording, mel):
    (tmp_path / mel).parent.mkdir(exist_ok=True)
    saved(tmp_path / mel, MEL)
    saved(tmp_path / "other.npy", MEL)
    assert MelFiles(tmp_path).of(recording) == tmp_path / mel


def test_a_missing_mel_and_two_of_one_name_are_named(tmp_path):
    saved(tmp_path / "b.npy", MEL)
    with pytest.raises(InputError, match="a.wav and 1 more has none; add a.npy"):
        mel_paths(MelFiles(tmp_path), {"a": "a.wav", "c": "c.wav", "b": "b.wav"})
    saved(tmp_path / "b.pt", torch.from_numpy(MEL))
    with pytest.raises(InputError, match="b.npy and b.pt are both the mel of b.wav"):
        MelFiles(tmp_path).of("b.wav")


def test_one_mel_does_not_serve_two_recordings(tmp_path):
    saved(tmp_path / "a_mel.npy", MEL)
    with pytest.raises(InputError, match="a_mel.npy: is the mel of a.wav and of a_mel.wav by its name"):
        mel_paths(MelFiles(tmp_path), {"a": "a.wav", "a_mel": "a_mel.wav"})
    saved(tmp_path / "a_mel_mel.npy", MEL)
    assert [path.name for path in mel_paths(MelFiles(tmp_path), {"a": "a.wav", "b": "a_mel.wav"}).values()] == [
        "a_mel.npy", "a_mel_mel.npy",
    ]  # fmt: skip


# --- checks ---------------------------------------------------------------------------------------


def test_fitting_mels_are_taken_with_frames_more_or_less_at_the_end(tmp_path, clips):
    plain = given(tmp_path, clips, lambda mel: mel)
    for joined, clip in zip(plain, clips, strict=True):
        assert joined.audio.equal(cut_to_hops(clip.audio, HOP))
        np.testing.assert_array_equal(joined.mel, predicted(own_mel(clip)))
    longer = given(tmp_path, clips, lambda mel: np.pad(mel, ((0, 0), (0, 5)), mode="edge"))
    shorter = given(tmp_path, clips, lambda mel: mel[:, :-3])
    for long, short, whole in zip(longer, shorter, plain, strict=True):
        assert long.mel.equal(whole.mel)
        assert short.mel.equal(whole.mel[:, :-3])
        assert short.audio.equal(whole.audio[: -3 * HOP])


@pytest.mark.parametrize("side, padding", [("late", (3, 0)), ("early", None)])
def test_mels_that_begin_elsewhere_are_refused_with_how_much(tmp_path, clips, side, padding):
    shift = (lambda mel: np.pad(mel, ((0, 0), padding), mode="edge")) if padding else (lambda mel: mel[:, 3:])
    words = refusal(tmp_path, clips, shift)
    assert f"frames (48 ms) {side}" in words


def test_half_a_hop_is_a_note(tmp_path, clips):
    uncentred = replace(GENERAL, lead=HOP // 2)
    with pytest.warns(UserWarning, match="half a hop early"):
        given(tmp_path, clips, lambda mel: mel, uncentred)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make, words",
    [
        (lambda mel: mel * 2.302585, "natural logarithm of power where the checkpoint takes log10 of power: times 0.4"),
        (lambda mel: 10 * mel, "decibels of power where the checkpoint takes log10 of power: times 0.1"),
        (lambda mel: (mel + 1.03) / 1.88, "in another scaling: times 1.9"),
        (lambda mel: mel + 2.0, "in another scaling: minus 2"),
        (lambda mel: 10**mel, "logarithm = none, of power where the checkpoint takes log10 of power: take the log"),
        (lambda mel: np.exp(2 * mel), "without a logarithm: take their natural logarithm, then times 0.5"),
        (lambda mel: np.random.default_rng(0).normal(size=mel.shape), "look like no known mel"),
        (lambda mel: np.zeros_like(mel), "look like no known mel"),
    ],
)
def test_mels_in_another_scaling_are_refused_with_what_they_look_like(tmp_path, clips, make, words):
    assert words in refusal(tmp_path, clips, make)


@pytest.mark.slow
@pytest.mark.parametrize(
    "front_end, words",
    [
        (TACOTRON, "front end = Tacotron 2's"),
        (LmntMel(16000, HOP, 80), "front end = lmnt's"),
        (CoquiMel(16000, 1024, 1024, HOP, 80.0, None, 80), "front end = coqui's"),
    ],
)
def test_mels_of_another_front_end_are_named(tmp_path, clips, front_end, words):
    assert f"look like {words}" in refusal(tmp_path, clips, lambda mel: mel, front_end)


def test_one_mel_of_another_sentence_or_length_is_named(tmp_path, clips):
    mels = {clip.name: predicted(own_mel(clip)) for clip in clips}
    odd, other = clips[1].name, clips[2].name
    mels[odd] = np.pad(mels[other], ((0, 0), (0, 400)), mode="wrap")[:, : mels[odd].shape[1]]
    paths = {name: saved(tmp_path / f"{name}.npy", mel) for name, mel in mels.items()}
    with pytest.raises(InputError, match=f"{odd}.npy: it is not that of its recording"):
        with_mels(clips, paths, FRONT_END)
    saved(paths[odd], predicted(own_mel(clips[1]))[:, :-20])
    with pytest.raises(InputError, match=f"{odd}.npy: the mel has .* frames .* give a teacher-forced mel"):
        with_mels(clips, paths, FRONT_END)


@pytest.mark.parametrize("hop, said", [(200, "every 199 samples"), (240, "every 2"), (186, "as hop 256 at 22050 Hz")])
def test_mels_of_another_hop_are_refused_with_theirs(tmp_path, hop, said):
    many = read_folder(DEMO, sample_rate=16000)
    words = refusal(tmp_path, many, lambda mel: mel, replace(FRONT_END, hop_length=hop))
    assert said in words
    assert "the checkpoint takes one every 256" in words


def test_what_is_unchecked_may_be_scaled_in_any_way(tmp_path, clips):
    path = {clips[0].name: saved(tmp_path / "a.npy", own_mel(clips[0]) * 7)}
    [joined] = with_mels(clips[:1], path, FRONT_END, check=False)
    np.testing.assert_array_equal(joined.mel, own_mel(clips[0]) * 7)


def test_mels_below_a_linked_folder_are_found(tmp_path):
    (tmp_path / "mels").mkdir()
    (tmp_path / "elsewhere").mkdir()
    saved(tmp_path / "elsewhere" / "a.npy", np.zeros((2, 3), np.float32))
    (tmp_path / "mels" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path / "mels")
    assert MelFiles(tmp_path / "mels").of("a.wav") == tmp_path / "mels" / "linked" / "a.npy"


# --- clips ----------------------------------------------------------------------------------------


def test_a_crop_of_a_recording_takes_the_same_frames_of_its_mel(clips):
    clip = clips[0]
    whole = replace(clip, audio=cut_to_hops(clip.audio, HOP), mel=torch.from_numpy(own_mel(clip)))
    crop = typical_excerpt(whole, 0.8, HOP)
    assert crop.mel is not None
    assert whole.mel is not None
    assert len(crop.audio) == HOP * crop.mel.shape[1] == 50 * HOP
    [first] = [
        i for i in range(0, len(whole.audio), HOP) if whole.audio[i : i + len(crop.audio)].equal(crop.audio)
    ]
    assert crop.mel.equal(whole.mel[:, first // HOP : first // HOP + 50])
    assert crop.audio.equal(typical_excerpt(clip, 0.8, HOP).audio)  # the same crop as without a TTS


def test_the_network_gets_the_mels_that_were_given(analytic_vocoder):
    clip = noise_clip("a", 640, 0.1)
    mel = torch.full((1, 10), -1.5)
    told = Evaluator(analytic_vocoder, [replace(clip, mel=mel)], [], NoiseBank(0)).groups[0].mel
    assert told.equal(mel[None])
    assert not Evaluator(analytic_vocoder, [clip], [], NoiseBank(0)).groups[0].mel.equal(told)


def test_of_clips_of_one_length_each_keeps_its_own_mel(analytic_vocoder):
    one, two = noise_clip("a", 640, 0.1), noise_clip("b", 640, 0.2)
    mel = torch.full((1, 10), -1.5)
    [told] = Evaluator(analytic_vocoder, [one, replace(two, mel=mel)], [], NoiseBank(0)).groups
    [own] = Evaluator(analytic_vocoder, [one, two], [], NoiseBank(0)).groups
    assert told.mel[1].equal(mel)
    assert told.mel[0].equal(own.mel[0])


# --- a whole search -------------------------------------------------------------------------------


def mels_of_toy(toy, factor=1.0):
    """The toy voice's mels, a little off as a TTS's are; its dataset's file then names them."""
    folder = toy.root / "mels"
    folder.mkdir(exist_ok=True)
    for split in ("search", "held_out"):
        for clip in read_folder(toy.root / split, sample_rate=16000):
            mel = toy.vocoder.front_end(clip.audio[None])[0].numpy()
            np.save(folder / f"{clip.name}.npy", factor * (mel + 0.05))
    table = toy.root / "toy.toml"
    table.write_text(table.read_text() + 'mels = "mels"\ncheck_mels = false\n')  # noise has no mel to recognise


SHORT = ("--budget", "1candidates", "--strategy", "random", "--objective", "log_mel_l1")


def test_a_search_with_mels_says_so_and_keeps_apart_from_that_of_the_recordings(toy, capsys, memory):
    assert toy.search(*SHORT) == 0
    before = (toy.folder / "run.json").read_bytes()
    mels_of_toy(toy)
    assert toy.search(*SHORT) == 0
    apart = toy.folder.parent.with_name("16000hz-tts") / toy.folder.name
    facts = json.loads((apart / "run.json").read_text())
    assert facts["mels"] == facts["identity"]["mels"] == "of a TTS"
    assert json.loads((apart / "schedule.json").read_text())["provenance"]["mels"] == "of a TTS"
    assert "mels of a TTS, not the recordings" in (apart / "report.html").read_text()
    assert f"mels of a TTS: {toy.root}/mels" in capsys.readouterr().out
    assert (toy.folder / "run.json").read_bytes() == before
    assert "mels" not in json.loads(before)["identity"]


def test_other_mels_are_another_search(toy):
    mels_of_toy(toy)
    voice = load_voice("toy", experiments=toy.root)
    hashes = hashes_of_a_search(voice)
    mel = toy.root / "mels" / "search0.npy"
    np.save(mel, np.load(mel) + 0.01)
    others = hashes_of_a_search(voice)
    assert hashes[0] != others[0]
    assert hashes[1] == others[1]


def hashes_of_a_search(voice):
    clips = clips_of_a_search(voice, open_vocoder(voice), 0)
    return [clips_hash(clips.excerpts), clips_hash(clips.held_out)]


def test_synth_takes_a_mel_alone_and_checks_one_beside_its_recording(toy, capsys, tmp_path):
    betas, out = tmp_path / "betas.json", tmp_path / "out.wav"
    betas.write_text("[1e-4, 0.1, 0.5]")
    mel = saved(tmp_path / "mel.npy", np.full((1, 100), -2.0, np.float32))
    words = ["synth", "--dataset", "toy", "--experiments", str(toy.root), "--schedule", str(betas), "--out", str(out)]
    with pytest.warns(UserWarning, match="is it in the checkpoint's scaling"):  # no recording is so even
        assert main([*words, "--mel", str(mel)]) == 0
    assert "0.40 s at 16000 Hz" in capsys.readouterr().out
    recording = toy.root / "search" / "search0.wav"
    assert main([*words, "--force", "--mel", str(mel), "--wav", str(recording)]) == 2
    assert "look like no known mel" in capsys.readouterr().err
    assert main([*words, "--force"]) == 2
    assert "give --wav FILE or --mel FILE" in capsys.readouterr().err
