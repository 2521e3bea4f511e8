"""Laws of Distill-MOS, where it is installed: what it hears, at any rate, and that torchaudio is not needed."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from conftest import LogRms

from schedsearch.metrics import mos
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.registry import columns_with, metrics_for
from vocoder.audio.reading import read_audio, resample
from vocoder.errors import InputError

SPEECH = Path(__file__).parents[2] / "experiments/demo/16000hz/clips/held_out/vm-nobox.flac"
needs_it = pytest.mark.skipif(not mos.installed(), reason="distillmos is not installed: make mos installs it")


@pytest.fixture(scope="module")
def speech() -> torch.Tensor:
    return read_audio(SPEECH, sample_rate=16_000).audio


@needs_it
def test_noise_costs_opinion_at_any_rate(speech):
    noisy = speech + 0.05 * torch.randn(len(speech), generator=torch.Generator().manual_seed(0))
    clean, worse = (mos.distill_mos(audio, 16_000) for audio in (speech, noisy))
    assert isinstance(clean, float) and isinstance(worse, float)
    assert 1 <= worse < clean - 0.5 < 5
    assert mos.distill_mos(resample(speech, 16_000, 22_050), 22_050) == pytest.approx(clean, abs=0.2)


@needs_it
def test_it_is_a_column_that_no_search_improves_by_default(speech):
    assert columns_with("spectral")[-1] == "distill_mos"
    [metric] = metrics_for(LogRms(), 16_000, names=["distill_mos"]).values()
    assert (metric.unit, metric.better_side) == ("MOS", "higher is better")
    [[value]] = metric.measure(speech[None], speech[None, None])
    assert value == mos.distill_mos(speech, 16_000)


@needs_it
def test_silence_is_a_failure():
    assert isinstance(mos.distill_mos(torch.zeros(16_000), 16_000), Failure)


@needs_it
@pytest.mark.skipif(find_spec("torchaudio") is not None, reason="torchaudio is installed")
def test_torchaudio_is_not_left_behind(speech):
    mos.distill_mos(speech, 16_000)
    assert "torchaudio" not in sys.modules


@pytest.mark.skipif(mos.installed(), reason="it is installed")
def test_without_it_the_way_out_is_said():
    with pytest.raises(InputError, match="needs the package distillmos; install it with make mos"):
        metrics_for(LogRms(), 16_000, names=["distill_mos"])
