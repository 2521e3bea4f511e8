"""Laws of the metrics: one value a clip, a failure never a number."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pesq
import pytest
import torch
from torch import Tensor

from schedsearch.metrics.failure import Failure
from schedsearch.metrics.intelligibility import parallel_stoi
from schedsearch.metrics.level import level
from schedsearch.metrics.perceptual import LONGEST, parallel_pesq, pesq_column, pesq_mode
from schedsearch.metrics.pitch import PitchTrack, Tracker, f0_rmse
from schedsearch.metrics.spectral import LogMel, log_mel_l1
from vocoder.audio.reading import read_audio, resample
from vocoder.errors import InputError
from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.coqui_normalisation import RangeNormalisation, StandardNormalisation
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.front_ends.lmnt import LmntMel

CLIPS = Path(__file__).parents[2] / "experiments" / "demo" / "16000hz" / "clips" / "search"
RATE = 16000

FRONT_ENDS: dict[str, LogMel] = {
    "ivanvovk": IvanvovkMel(RATE, 1024, 1024, 256, 80.0, 8000.0, 80),
    "lmnt": LmntMel(RATE, 256),
    "coqui": CoquiMel(RATE),
    "coqui natural log": CoquiMel(RATE, gain=1.0, log_base=math.e, normalisation=None),
    "coqui 0..1": CoquiMel(RATE, normalisation=RangeNormalisation(max_norm=1.0, symmetric=False)),
    "coqui statistics": CoquiMel(
        RATE,
        normalisation=StandardNormalisation(mean=(-50.0,) * 80, std=tuple(np.linspace(5.0, 15.0, 80))),
    ),
}
every_front_end = pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)


@pytest.fixture(scope="module")
def speech() -> Tensor:
    """[3, samples], the first second and a half of three clips."""
    paths = sorted(CLIPS.glob("*.flac"))[:3]
    return torch.stack([read_audio(path, sample_rate=RATE).audio[:24000] for path in paths])


def pesq_score(reference: Tensor, estimate: Tensor, sample_rate: int) -> float | Failure:
    """Of one pair of clips, in this process."""
    [score] = parallel_pesq([(reference, estimate)], sample_rate, jobs=1)
    return score


def noisy(audio: Tensor, deviation: float) -> Tensor:
    """With the same noise at every strength."""
    return audio + deviation * torch.randn(audio.shape, generator=torch.Generator().manual_seed(0))


# --- spectral -------------------------------------------------------------------------------------


@every_front_end
def test_identical_audio_has_zero_distance(front_end, speech):
    assert torch.equal(log_mel_l1(front_end)(speech, speech), torch.zeros(3))


@every_front_end
def test_more_noise_is_farther_in_the_mel(front_end, speech):
    distances = torch.stack([log_mel_l1(front_end)(speech, noisy(speech, s)) for s in (0.003, 0.01, 0.03)])
    assert (distances.diff(dim=0) > 0).all()
    assert (distances[0] > 0).all()


@every_front_end
def test_a_gain_costs_twice_its_logarithm_in_every_front_end(front_end):
    hiss = noisy(torch.zeros(1, 16000), 0.1)  # loud everywhere, so that no front end's limits are met
    for gain in (0.5, 1.3):
        distance = log_mel_l1(front_end)(hiss, gain * hiss)
        assert float(distance) == pytest.approx(2 * abs(math.log(gain)), rel=1e-4)


def test_a_gain_costs_twice_its_logarithm_in_the_analytic_front_end_too(analytic_vocoder):
    hiss = noisy(torch.zeros(1, 640), 0.1)
    distance = log_mel_l1(analytic_vocoder.front_end)(hiss, 0.5 * hiss)
    assert float(distance) == pytest.approx(2 * math.log(2), rel=1e-4)


def test_a_front_end_without_logarithm_is_left_in_its_own_units(speech):
    front_end = CoquiMel(RATE, decibels=False, normalisation=None)
    difference = front_end(speech) - front_end(0.5 * speech)
    expected = difference.abs().mean((-2, -1))
    torch.testing.assert_close(log_mel_l1(front_end)(speech, 0.5 * speech), expected)


@every_front_end
def test_the_distance_of_a_clip_is_independent_of_its_batch_mates(front_end, speech):
    distance = log_mel_l1(front_end)
    estimate = noisy(speech, 0.01)
    together = distance(speech, estimate)
    assert together.shape == (3,)
    for i in range(3):
        torch.testing.assert_close(together[i], distance(speech[i], estimate[i]), rtol=1e-5, atol=1e-6)


def test_one_reference_serves_many_candidates(speech):
    distance = log_mel_l1(FRONT_ENDS["ivanvovk"])
    candidates = torch.stack([noisy(speech, s) for s in (0.003, 0.01)])
    both = distance(speech, candidates)
    torch.testing.assert_close(both, torch.stack([distance(speech, c) for c in candidates]))
    assert both.shape == (2, 3)


@every_front_end
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_clip_with_a_bad_sample_has_no_distance_and_spoils_no_other(front_end, speech, bad):
    estimate = noisy(speech, 0.01)
    estimate[1, 5000] = bad
    assert log_mel_l1(front_end)(speech, estimate).isnan().tolist() == [False, True, False]


# --- level ----------------------------------------------------------------------------------------


def test_level_is_the_gain_in_decibels(speech):
    gains = torch.tensor([0.5, 1.0, 2.0])
    expected = 20 * gains.log10()  # -6.02, 0, 6.02
    torch.testing.assert_close(level(speech, gains[:, None] * speech), expected, rtol=1e-5, atol=1e-5)


def test_a_silent_estimate_is_infinitely_quiet(speech):
    assert float(level(speech[0], torch.zeros(24000))) == -math.inf


# --- PESQ -----------------------------------------------------------------------------------------


def test_identical_audio_has_the_best_pesq(speech):
    # pesq 0.0.4: 4.6439 (wide band) and 4.5486 (narrow band) for any clip beside itself
    assert pesq_score(speech[0], speech[0], RATE) == pytest.approx(4.6439, abs=1e-3)
    narrow = resample(speech[0], RATE, 8000)
    assert pesq_score(narrow, narrow, 8000) == pytest.approx(4.5486, abs=1e-3)


def test_more_noise_is_worse_in_pesq(speech):
    for clip in speech:
        scores = [pesq_score(clip, noisy(clip, s), RATE) for s in (0.003, 0.01, 0.03)]
        best, middle, worst = (score for score in scores if not isinstance(score, Failure))
        assert best > middle > worst


@pytest.mark.parametrize(("rate", "mode"), [(8000, "nb"), (16000, "wb"), (22050, "wb"), (44100, "wb")])
def test_scores_are_pesq_s_own_in_the_mode_of_the_rate(speech, rate, mode):
    clip = resample(speech[0], RATE, rate)
    pair = clip, noisy(clip, 0.01)
    heard_at = 8000 if mode == "nb" else 16000
    theirs = pesq.pesq(heard_at, *(resample(audio, rate, heard_at).numpy() for audio in pair), mode)
    assert pesq_score(*pair, rate) == theirs
    assert pesq_mode(rate) == mode
    assert pesq_column(rate) == f"pesq_{mode}"


def test_pesq_ignores_a_gain(speech):
    estimate = noisy(speech[0], 0.01)
    assert pesq_score(speech[0], 0.3 * estimate, RATE) == pytest.approx(
        pesq_score(speech[0], estimate, RATE), abs=0.01
    )


def spoilt(audio: Tensor, value: float) -> Tensor:
    changed = audio.clone()
    changed[100] = value
    return changed


@pytest.mark.parametrize(
    ("reference", "estimate", "reason"),
    [
        (torch.zeros_like, torch.clone, "reference is silent"),
        (torch.clone, torch.zeros_like, "estimate is silent"),
        (torch.clone, lambda x: 1e-6 * x, "estimate is silent"),  # pesq amplifies it and finds it perfect
        (torch.clone, lambda x: spoilt(x, math.nan), "estimate has NaN"),
        (torch.clone, lambda x: spoilt(x, -math.inf), "estimate has NaN"),
        (lambda x: spoilt(x, math.nan), torch.clone, "reference has NaN"),
        (lambda x: x[:3999], lambda x: x[:3999], "1/4 of a second"),
        (lambda x: x[:0], lambda x: x[:0], "silent"),
    ],
)
def test_what_pesq_cannot_score_is_a_failure_with_a_reason(speech, reference, estimate, reason):
    score = pesq_score(reference(speech[0]), estimate(speech[0]), RATE)
    assert isinstance(score, Failure)
    assert reason in score.reason


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (pesq.NoUtterancesError(b"No utterances detected"), "PESQ: No utterances detected"),
        (ValueError("cannot convert float NaN to integer"), "PESQ: cannot convert float NaN to integer"),
        (ZeroDivisionError(), "PESQ: ZeroDivisionError"),
    ],
)
def test_whatever_pesq_raises_is_a_failure(monkeypatch, speech, raised, reason):
    def refuse(*args: object) -> float:
        raise raised

    monkeypatch.setattr(pesq, "pesq", refuse)
    assert pesq_score(speech[0], speech[0], RATE) == Failure(reason)


def test_a_score_that_is_no_number_is_a_failure(monkeypatch, speech):
    monkeypatch.setattr(pesq, "pesq", lambda *args: math.nan)
    assert pesq_score(speech[0], speech[0], RATE) == Failure("PESQ returned nan")


def test_speech_that_is_long_enough_to_crash_pesq_never_reaches_it():
    # 100 bursts half a second apart: the package dies of a segmentation fault
    burst = torch.cat([noisy(torch.zeros(4000), 0.3), torch.zeros(4000)])
    score = pesq_score(burst.repeat(100), burst.repeat(100), RATE)
    assert score == Failure(f"reference lasts 50.0 s, PESQ takes {LONGEST:g} s at most")


def test_the_most_utterances_that_pass_are_scored():
    # Bursts as dense as the detector can tell apart, as long as is let through.
    burst = torch.cat([noisy(torch.zeros(3264), 0.3), torch.zeros(3264)])
    clip = burst.repeat(100)[: int(LONGEST * RATE)]
    assert pesq_score(clip, clip, RATE) == pytest.approx(4.6439, abs=1e-3)


def test_unequal_lengths_are_refused(speech):
    with pytest.raises(InputError, match="equal length"):
        pesq_score(speech[0], speech[0, :-300], RATE)


PROGRAM = """
import torch
from schedsearch.metrics.intelligibility import parallel_stoi
from schedsearch.metrics.perceptual import parallel_pesq
from schedsearch.metrics.pitch import Tracker, f0_rmse

if __name__ == "__main__":
    pairs = torch.load("pairs.pt")
    print(parallel_pesq(pairs, 16000, jobs=2))
    print(parallel_stoi(pairs, 16000, jobs=2, extended=True))
    print(f0_rmse(*Tracker(16000, jobs=2)(pairs[0])))
"""


@pytest.mark.slow
def test_parallel_scores_are_those_of_one_process_and_the_program_ends_quietly(speech, tmp_path):
    pairs = [(clip, noisy(clip, 0.01)) for clip in speech] + [(speech[0], torch.zeros(24000))]
    torch.save(pairs, tmp_path / "pairs.pt")
    (tmp_path / "program.py").write_text(PROGRAM)
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-Wdefault", "program.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    alone = parallel_pesq(pairs, RATE, jobs=1)
    intelligible = parallel_stoi(pairs, RATE, jobs=1, extended=True)
    reference, estimate = Tracker(RATE)(pairs[0])
    assert isinstance(reference, PitchTrack) and isinstance(estimate, PitchTrack)
    pitch = f0_rmse(reference, estimate)
    assert done.stdout.splitlines() == [str(alone), str(intelligible), str(pitch)]
    assert (done.returncode, done.stderr) == (0, "")
    assert [type(score) for score in alone] == [float, float, float, Failure]
