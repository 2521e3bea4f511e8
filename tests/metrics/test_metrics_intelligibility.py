"""STOI is pystoi's own, its refusals are Failures and its draws are ours."""

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pystoi
import pytest
import torch
from torch import Tensor

from schedsearch.metrics.failure import Failure
from schedsearch.metrics.intelligibility import parallel_stoi
from vocoder.audio.reading import read_audio, resample
from vocoder.errors import InputError

CLIPS = Path(__file__).parents[2] / "experiments" / "demo" / "16000hz" / "clips" / "search"
RATE = 16000


def stoi_score(reference: Tensor, estimate: Tensor, sample_rate: int, *, extended: bool = False) -> float | Failure:
    """Of one pair of clips, in this process."""
    [score] = parallel_stoi([(reference, estimate)], sample_rate, jobs=1, extended=extended)
    return score


extended_stoi_score = partial(stoi_score, extended=True)
both = pytest.mark.parametrize("score", [stoi_score, extended_stoi_score])


@pytest.fixture(scope="module")
def speech() -> Tensor:
    """[samples], a second and a half."""
    return read_audio(min(CLIPS.glob("*.flac")), sample_rate=RATE).audio[:24000]


def noisy(audio: Tensor, deviation: float = 0.01) -> Tensor:
    return audio + deviation * torch.randn(audio.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("rate", [8000, 10000, 16000, 22050, 44100])
def test_scores_are_pystoi_s_own(speech, rate):
    clip = resample(speech, RATE, rate)
    pair = clip.double().numpy(), noisy(clip).double().numpy()
    assert stoi_score(clip, noisy(clip), rate) == pystoi.stoi(*pair, rate)
    assert extended_stoi_score(clip, noisy(clip), rate) == pytest.approx(pystoi.stoi(*pair, rate, extended=True))


@both
def test_identical_audio_scores_1(score, speech):
    assert score(speech, speech, RATE) == pytest.approx(1)


def test_the_extended_score_is_the_stricter_with_white_noise(speech):
    loud = noisy(speech, 0.03)
    stricter, plain = extended_stoi_score(speech, loud, RATE), stoi_score(speech, loud, RATE)
    assert isinstance(stricter, float) and isinstance(plain, float)
    assert stricter < plain < 1


@both
@pytest.mark.parametrize("samples", [100, 1000, 6000])
def test_too_little_speech_is_a_failure_and_never_pystoi_s_1e_5(score, speech, samples):
    found = score(speech[:samples], noisy(speech)[:samples], RATE)
    assert isinstance(found, Failure)
    assert "0.4 s of speech" in found.reason


def test_a_long_clip_of_little_speech_is_too_little():
    click = torch.zeros(2 * RATE)
    click[16000:18000] = noisy(torch.zeros(2000), 0.3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert pystoi.stoi(click.numpy(), click.numpy(), RATE) == 1e-5
    found = stoi_score(click, click, RATE)
    assert isinstance(found, Failure)
    assert "0.4 s of speech" in found.reason


@both
def test_silence_and_nan_are_failures(score, speech):
    spoilt = speech.clone()
    spoilt[100] = torch.nan
    assert "estimate is silent" in score(speech, 0 * speech, RATE).reason
    assert "reference is silent" in score(0 * speech, speech, RATE).reason
    assert "estimate has NaN" in score(speech, spoilt, RATE).reason


@both
def test_whatever_pystoi_raises_or_returns_is_a_failure(monkeypatch, score, speech):
    def refuse(*args: object) -> float:
        raise ValueError("by no rule")

    monkeypatch.setattr(pystoi, "stoi", refuse)
    assert score(speech, speech, RATE) == Failure("STOI: by no rule")
    monkeypatch.setattr(pystoi, "stoi", lambda *args: np.nan)
    assert score(speech, speech, RATE) == Failure("STOI returned nan")


@both
def test_unequal_lengths_are_refused(score, speech):
    with pytest.raises(InputError, match="equal length"):
        score(speech, speech[:-300], RATE)


def test_the_package_s_own_noise_changes_no_score_and_no_one_s_random_numbers(speech):
    # With a pause in the estimate pystoi correlates the noise that it adds: a new score at each call.
    gap = speech.clone()
    gap[8000:18000] = 0
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    first = extended_stoi_score(speech, gap, RATE)
    assert np.random.random() == expected
    assert extended_stoi_score(speech, gap, RATE) == first
    theirs = {pystoi.stoi(speech.numpy(), gap.numpy(), RATE, extended=True) for _ in range(2)}
    assert len(theirs) == 2  # else the care is needless


def test_many_are_scored_in_order(speech):
    estimates = [noisy(speech, 0.03), noisy(speech, 0.01), 0 * speech]
    found = parallel_stoi([(speech, estimate) for estimate in estimates], RATE, jobs=1, extended=True)
    assert found[:2] == [extended_stoi_score(speech, estimate, RATE) for estimate in estimates[:2]]
    assert isinstance(found[2], Failure)
