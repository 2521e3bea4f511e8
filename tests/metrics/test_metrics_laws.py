"""Laws that every metric of the catalogue keeps, measured through the registry as an evaluator does."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from schedsearch.metrics.catalogue import catalogue
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.offset import without_offset
from schedsearch.metrics.registry import Metric, metrics_for
from vocoder.audio.reading import read_audio
from vocoder.front_ends.ivanvovk import IvanvovkMel

CLIPS = Path(__file__).parents[2] / "experiments" / "demo" / "16000hz" / "clips" / "search"
RATE = 16000
FRONT_END = IvanvovkMel(RATE, 1024, 1024, 256, 80.0, 8000.0, 80)
NAMES = tuple(d.name for d in catalogue(RATE) if d.name != "distill_mos")  # has tests of its own
# One set for all tests: what a metric remembers of one must not show in another, and pYIN is slow.
METRICS = metrics_for(FRONT_END, RATE, names=NAMES)
PITCH = ("f0_rmse", "voicing_error", "ffe")
PARAMETERS = [pytest.param(m, id=m.name, marks=[pytest.mark.slow] * (m.name in PITCH)) for m in METRICS.values()]
every_metric = pytest.mark.parametrize("metric", PARAMETERS)
every_rank = pytest.mark.parametrize("metric", [p for p in PARAMETERS if METRICS[str(p.id)].ranks])


@pytest.fixture(scope="module")
def speech() -> Tensor:
    """[3, samples], a second of three clips."""
    paths = sorted(CLIPS.glob("*.flac"))[:3]
    return torch.stack([read_audio(path, sample_rate=RATE).audio[2000:18000] for path in paths])


@pytest.fixture(scope="module")
def candidates(speech: Tensor) -> Tensor:
    """[5, 3, samples]: the speech itself, then with more and more of the same white noise."""
    noise = torch.randn(speech.shape, generator=torch.Generator().manual_seed(0))
    return torch.stack([speech + deviation * noise for deviation in (0.0, 0.003, 0.01, 0.03, 0.1)])


def losses(metric: Metric, references: Tensor, estimates: Tensor) -> Tensor:
    """[candidate, clip], lower is better; none may fail."""
    values = torch.tensor(metric.measure(references, estimates), dtype=torch.float64)
    return values if metric.direction == "minimize" else -values


def delayed(audio: Tensor, samples: int) -> Tensor:
    return torch.nn.functional.pad(audio, (samples, 0))[..., : audio.shape[-1]]


@every_rank
def test_identical_audio_is_best(metric, speech, candidates):
    found = losses(metric, speech, candidates)
    assert (found[0] <= found).all()
    assert (found[0] < found[-1]).all()
    if metric.direction == "minimize":
        assert found[0].tolist() == [0, 0, 0]


@every_rank
def test_more_noise_is_worse(metric, speech, candidates):
    steps = losses(metric, speech, candidates).mean(1).diff()
    counted = metric.unit == "%"  # in whole frames, of which faint noise changes none
    assert (steps >= 0).all() if counted else (steps > 0).all()


@every_metric
def test_a_clip_s_value_is_independent_of_its_batch_mates(metric, speech, candidates):
    together = losses(metric, speech, candidates)
    alone = losses(metric, speech[1:2], candidates[2:3, 1:2])
    torch.testing.assert_close(together[2:3, 1:2], alone, rtol=1e-5, atol=1e-5)


@every_metric
def test_equal_audio_gets_equal_values_whenever_asked(metric, speech, candidates):
    afresh = metrics_for(FRONT_END, RATE, names=[metric.name])[metric.name]
    asked = speech[:1], candidates[2:3, :1]
    assert afresh.measure(*asked) == metric.measure(*asked) == metric.measure(*asked)


@every_metric
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_clip_with_a_bad_sample_fails_and_spoils_no_other(metric, speech, candidates, bad):
    spoilt = candidates[2:3].clone()
    spoilt[0, 1, 5000] = bad
    [row] = metric.measure(speech, spoilt)
    assert [type(value) for value in row] == [float, Failure, float]
    assert "NaN or infinite samples" in row[1].reason


# What 0.5 times the audio scores: every PESQ, STOI and pitch as before, and in distances the gain's own size.
GAINS = {
    "log_mel_l1": 2 * math.log(2),
    "ls_mae": math.log(2),
    "lsd": 20 * math.log10(2),
    "mcd": 0.0,
    "stft_convergence": 0.5,
    "stft_log_magnitude": math.log(2),
    "spectral": 2 * math.log(2) + 0.5,
    "spectral_pesq_wb": 2 * math.log(2) + 0.5,
    "mr_stft": 0.5 + math.log(2),
    "level": -20 * math.log10(2),
}


@pytest.mark.parametrize("name", GAINS)
def test_a_pure_gain_costs_what_is_stated(name):
    hiss = 0.3 * torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))  # all of it far above the floors
    [[cost]] = METRICS[name].measure(hiss, 0.5 * hiss[None])
    assert cost == pytest.approx(GAINS[name], rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in GAINS])
def test_a_pure_gain_changes_no_perceptual_and_no_pitch_metric(name, speech, candidates):
    before, after = (losses(METRICS[name], speech, gain * candidates[2:3]) for gain in (1.0, 0.3))
    torch.testing.assert_close(after, before, rtol=0, atol=0.01)


@every_metric
@pytest.mark.parametrize(("reference", "estimate"), [(0.02, 0.0), (0.0, 0.05), (-0.05, 0.02)])
def test_a_constant_offset_is_not_heard(metric, speech, candidates, reference, estimate):
    plain, shifted = (losses(metric, speech + a, candidates[2:3] + b) for a, b in ((0.0, 0.0), (reference, estimate)))
    torch.testing.assert_close(shifted, plain, rtol=0.005, atol=0.002)


def test_speech_with_an_offset_has_the_best_pesq(speech):
    assert METRICS["pesq_wb"].measure(speech, speech[None] + 0.02) == [[pytest.approx(4.6439, abs=1e-3)] * 3]


def test_a_clip_without_an_offset_stays_bit_for_bit(speech):
    assert (speech.mean(-1).abs() > 0).all()
    assert torch.equal(without_offset(speech), speech)
    assert torch.equal(without_offset(speech + 0.02), speech + 0.02 - (speech + 0.02).mean(-1, keepdim=True))


def test_a_constant_alone_is_silence(speech):
    [[value, *_]] = METRICS["pesq_wb"].measure(speech, torch.full_like(speech, 0.5)[None])
    assert value == Failure("estimate is silent, its peak is below 0.0001")


@every_rank
def test_a_delay_of_a_millisecond_costs_less_than_one_of_a_syllable(metric, speech):
    short, long = losses(metric, speech, torch.stack([delayed(speech, 16), delayed(speech, 4000)])).mean(1)
    assert short < long


def test_pesq_alone_forgives_a_delay_of_a_millisecond(speech):
    for name in (name for name in NAMES if METRICS[name].ranks and name != "pesq_wb"):
        itself, late = losses(METRICS[name], speech, torch.stack([speech, delayed(speech, 16)])).mean(1)
        assert late > itself, name
    itself, late = losses(METRICS["pesq_wb"], speech, torch.stack([speech, delayed(speech, 16)]))
    torch.testing.assert_close(late, itself, rtol=0, atol=0.2)


@pytest.mark.parametrize("name", [name for name in NAMES if METRICS[name].ranks and "stft" not in name])
def test_faint_hiss_is_farther_than_a_delay_of_a_millisecond_in_most(name, speech, candidates):
    late, hiss = losses(METRICS[name], speech, torch.stack([delayed(speech, 16), candidates[3]])).mean(1)
    assert late < hiss
