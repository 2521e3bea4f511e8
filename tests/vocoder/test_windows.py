"""A network run in windows with enough context computes what it computes at once."""

import math

import pytest
import torch
from torch import Tensor

from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.sampler import ancestral_sample
from schedsearch.schedules.named import published
from vocoder import windows
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.network import NetworkConfig, WaveGradNetwork
from vocoder.vocoder import Vocoder
from vocoder.weights import freeze
from vocoder.windows import Windowed, reach

SMALL = NetworkConfig(
    n_mels=6,
    factors=(5, 3, 2),
    mel_channels=12,
    up_channels=(10, 8, 6),
    up_dilations=((1, 2, 1, 2), (1, 2, 4, 8), (1, 2, 4, 8)),
    signal_channels=4,
    down_channels=(6, 8),
    down_dilations=((1, 2, 4), (1, 2, 4)),
)

DIALECTS = pytest.mark.parametrize("dialect", [IVANVOVK, LMNT, COQUI], ids=lambda d: d.name)
SHORT, LONG = 7, 40  # frames


def vocoder(dialect) -> Vocoder:
    front_end = IvanvovkMel(16000, 1024, 1024, SMALL.hop_length, 20.0, 8000.0, SMALL.n_mels)
    torch.manual_seed(0)
    # float64: convolutions round differently at each length, and random weights amplify that
    return Vocoder(freeze(WaveGradNetwork(SMALL, dialect.quirks)).double(), dialect, front_end, "random")


def inputs(frames: int = LONG) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    y = torch.randn(2, frames * SMALL.hop_length, generator=random, dtype=torch.float64)
    mel = torch.randn(2, SMALL.n_mels, frames, generator=random, dtype=torch.float64)
    return y, mel, torch.tensor([0.3, 0.9], dtype=torch.float64)


@DIALECTS
@pytest.mark.parametrize("frames_at_once", [1, 7, 39])
def test_windows_of_any_length_give_what_one_call_gives(dialect, frames_at_once):
    whole = vocoder(dialect)
    with torch.inference_mode():
        expected = whole.predict_noise(*inputs())
        found = Windowed(whole, frames_at_once * SMALL.hop_length).predict_noise(*inputs())
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@DIALECTS
def test_a_whole_sampling_in_windows_is_the_one_at_once(dialect):
    whole, noise = vocoder(dialect), NoiseBank(0).for_clips(["a", "b"], 0, LONG * SMALL.hop_length)
    drawn = torch.stack([noise(k) for k in range(6)]).double()
    schedules = [published("ivanvovk-6")]
    expected = ancestral_sample(whole, inputs()[1], schedules, drawn)
    found = ancestral_sample(Windowed(whole, 9 * SMALL.hop_length), inputs()[1], schedules, drawn)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_windows_without_context_are_not_what_one_call_gives(monkeypatch):
    monkeypatch.setattr(windows, "reach", lambda config: 0)
    whole = vocoder(IVANVOVK)
    with torch.inference_mode():
        off = Windowed(whole, 9 * SMALL.hop_length).predict_noise(*inputs()) - whole.predict_noise(*inputs())
    assert off.abs().max() > 0.01


def test_coquis_encoding_counts_from_the_recordings_start():
    whole = COQUI.quirks.encode_noise(torch.tensor([0.5]), 8, 20)
    assert torch.equal(COQUI.quirks.encode_noise(torch.tensor([0.5]), 8, 12, first=8), whole[..., 8:])
    assert not torch.equal(COQUI.quirks.encode_noise(torch.tensor([0.5]), 8, 12), whole[..., 8:])


def test_a_short_recording_is_one_call():
    rows: list[int] = []

    class Counting:
        hop_length = SMALL.hop_length

        def predict_noise(self, y, mel, level):
            rows.append(y.shape[-1])
            return y

    y, mel, level = inputs(SHORT)
    Windowed(Counting(), SHORT * SMALL.hop_length).predict_noise(y, mel, level)  # type: ignore[arg-type]
    assert rows == [SHORT * SMALL.hop_length]


# ivanvovk's and lmnt's, coqui's, the demo voice's
@pytest.mark.parametrize("factors", [(5, 5, 3, 2, 2), (4, 4, 4, 2, 2), (4, 4, 4, 4)])
@pytest.mark.parametrize("dialect", [IVANVOVK, LMNT], ids=["linear", "nearest"])
def test_nothing_beyond_the_reach_touches_a_sample_and_the_reach_is_no_waste(dialect, factors):
    blocks = len(factors)
    config = NetworkConfig(
        n_mels=2,
        factors=factors,
        mel_channels=2,
        up_channels=(2,) * blocks,
        up_dilations=((1, 2, 1, 2), (1, 2, 1, 2), (1, 2, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8))[:blocks],
        signal_channels=2,
        down_channels=(2,) * (blocks - 1),
        down_dilations=((1, 2, 4),) * (blocks - 1),
    )
    network = WaveGradNetwork(config, dialect.quirks).double()
    hop, frames = math.prod(factors), 21
    y = torch.randn(1, frames * hop, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mel = torch.randn(1, 2, frames, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y.requires_grad_()
    mel.requires_grad_()
    middle = frames * hop // 2
    network(y, mel, torch.tensor([0.5]))[0, middle].backward()
    assert y.grad is not None and mel.grad is not None
    touched = y.grad[0].nonzero()[:, 0]
    furthest = int((touched - middle).abs().max())
    frames_touched = mel.grad[0].abs().sum(0).nonzero()[:, 0]
    furthest_frame = max(middle - int(frames_touched[0]) * hop, (int(frames_touched[-1]) + 1) * hop - 1 - middle)
    assert furthest <= reach(config)
    assert furthest_frame <= reach(config) + hop  # a window's context is made of whole frames
    assert reach(config) < 2 * furthest
