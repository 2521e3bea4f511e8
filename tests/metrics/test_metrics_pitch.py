"""Pitch errors: hand-made tracks for the formulas, tones of known F0 for the tracker."""

import math
import subprocess
import sys

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from schedsearch.metrics import pitch
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.pitch import PitchTrack, Tracker, f0_frame_error, f0_rmse, voicing_error
from vocoder.audio.reading import resample

RATE = 16000
REFERENCE = PitchTrack(np.array([100.0, 100, 200, 200, np.nan, np.nan, np.nan, 150]))
UNVOICED = PitchTrack(np.full(8, np.nan))


def voice(f0: float, seconds: float = 0.6, rate: int = RATE) -> Tensor:
    """[samples], twelve harmonics of falling strength."""
    time = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    harmonics = [0.2 / k * torch.sin(2 * math.pi * f0 * k * time) for k in range(1, 13)]
    return torch.stack(harmonics).sum(0).float()


def hiss(seconds: float = 0.6) -> Tensor:
    return 0.1 * torch.randn(round(seconds * RATE), generator=torch.Generator().manual_seed(0))


def test_f0_rmse_is_in_cents_over_the_frames_voiced_in_both():
    # Frames 0 to 2 count: an octave, nothing and a semitone, sqrt((1200^2 + 0 + 100^2) / 3).
    estimate = PitchTrack(np.array([200.0, 100, 200 * 2 ** (1 / 12), np.nan, 77, np.nan, np.nan, np.nan]))
    assert f0_rmse(REFERENCE, estimate) == pytest.approx(math.sqrt((1200**2 + 100**2) / 3))


def test_the_voicing_error_counts_both_kinds_of_wrong_frame():
    estimate = PitchTrack(np.array([100.0, np.nan, 200, 200, 100, np.nan, np.nan, 300]))  # frames 1 and 4 of 8
    assert voicing_error(REFERENCE, estimate) == 25


def test_the_f0_frame_error_adds_gross_pitch_errors_of_more_than_a_fifth():
    # wrong voicing in frames 1 and 4; 150 -> 300 and 100 -> 79 are gross, 200 -> 239 is not
    estimate = PitchTrack(np.array([79.0, np.nan, 239, 200, 100, np.nan, np.nan, 300]))
    assert f0_frame_error(REFERENCE, estimate) == 50


@pytest.mark.parametrize("error", [f0_rmse, voicing_error, f0_frame_error])
def test_a_track_has_no_error_beside_itself(error):
    assert error(REFERENCE, REFERENCE) == 0


@pytest.mark.parametrize("error", [f0_rmse, voicing_error, f0_frame_error])
def test_a_reference_without_voice_is_a_failure(error):
    assert error(UNVOICED, REFERENCE) == Failure("the reference has no voiced frame")


def test_an_estimate_without_voice_has_no_f0_error_and_is_wrong_in_every_voiced_frame():
    assert isinstance(f0_rmse(REFERENCE, UNVOICED), Failure)
    assert voicing_error(REFERENCE, UNVOICED) == f0_frame_error(REFERENCE, UNVOICED) == 100 * 5 / 8


def pitch_track(audio: Tensor, rate: int) -> PitchTrack | Failure:
    [track] = Tracker(rate)([audio])
    return track


def track_of(audio: Tensor, rate: int = RATE) -> PitchTrack:
    return found(pitch_track(audio, rate))


def found(track: PitchTrack | Failure) -> PitchTrack:
    assert isinstance(track, PitchTrack)
    return track


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("f0", [80.0, 210.0, 450.0])
def test_a_tone_has_its_f0_at_every_rate(f0, rate):
    track = track_of(voice(f0, rate=rate), rate)
    assert track.voiced.mean() > 0.9
    assert np.abs(1200 * np.log2(track.f0[track.voiced] / f0)).max() <= 10  # a tenth of a semitone: the grid


def test_a_tone_half_a_semitone_higher_is_50_cents_off():
    tracks = track_of(voice(200.0)), track_of(voice(200.0 * 2 ** (50 / 1200)))
    assert f0_rmse(*tracks) == pytest.approx(50, abs=10)
    assert f0_frame_error(*tracks) == 0


def test_an_octave_is_a_gross_error():
    tracks = track_of(voice(150.0)), track_of(voice(300.0))
    assert f0_frame_error(*tracks) == pytest.approx(100, abs=10)
    assert voicing_error(*tracks) == pytest.approx(0, abs=10)


def test_hiss_has_no_voice():
    assert track_of(hiss(1.0)).voiced.mean() < 0.2  # at the ends, padded with zeros, pYIN finds some


def test_the_track_is_librosa_s_own():
    clip = torch.cat([voice(180.0, 0.3), hiss(0.3)])
    expected, voiced, _ = librosa.pyin(
        clip.numpy(), sr=16000, fmin=60.0, fmax=600.0, frame_length=1024, hop_length=160
    )
    track = track_of(clip)
    np.testing.assert_array_equal(track.f0, expected)
    np.testing.assert_array_equal(track.voiced, voiced)


def test_other_rates_are_heard_at_16_khz():
    clip = voice(180.0, 0.3, rate=22050)
    np.testing.assert_array_equal(track_of(clip, 22050).f0, track_of(resample(clip, 22050, 16000)).f0)


def test_silence_and_nan_have_no_track():
    spoilt = voice(100.0)
    spoilt[7] = torch.nan
    assert pitch_track(spoilt, RATE) == Failure("audio has NaN or infinite samples")
    silence = pitch_track(torch.zeros(8000), RATE)
    assert isinstance(silence, Failure)
    assert "silent" in silence.reason


def test_each_clip_is_analysed_once_whoever_asks(monkeypatch):
    calls = []

    def pyin(samples, **settings):
        calls.append(len(samples))
        return np.array([100.0]), None, None

    monkeypatch.setattr(librosa, "pyin", pyin)
    tracker = Tracker(RATE)
    one, other = voice(100.0), voice(101.0)
    tracker([one, other, one])
    assert len(calls) == 2
    tracker([other, voice(102.0), one.clone()])
    assert len(calls) == 3


@pytest.mark.slow
def test_functions_are_compiled_before_several_processes_would_compile_them():
    """Together they would race for numba's cache: only a process that has not used librosa yet can tell."""
    program = """if True:
        import sys, torch
        from schedsearch.metrics import pitch

        def spread(function, calls, jobs):
            print("librosa.core.pitch" in sys.modules)
            return [None for _ in calls]

        pitch.spread = spread
        print("librosa.core.pitch" in sys.modules)
        pitch.Tracker(16000, jobs=2)([torch.zeros(16000)])
    """
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert told.split() == ["False", "True"]


def test_what_is_remembered_is_what_would_be_found():
    tracker = Tracker(RATE)
    clips = [voice(100.0), torch.zeros(9600), voice(300.0)]
    first, second = tracker(clips), tracker(clips[::-1])
    assert isinstance(first[1], Failure)
    for i in (0, 2):
        np.testing.assert_array_equal(found(first[i]).f0, track_of(clips[i]).f0)
        np.testing.assert_array_equal(found(second[2 - i]).f0, found(first[i]).f0)


def test_the_oldest_tracks_are_forgotten(monkeypatch):
    monkeypatch.setattr(pitch, "REMEMBERED", 2)
    monkeypatch.setattr(librosa, "pyin", lambda samples, **settings: (np.array([100.0]), None, None))
    tracker = Tracker(RATE)
    for f0 in (100.0, 110.0, 120.0):
        tracker([voice(f0)])
    assert len(tracker._known) == 2
