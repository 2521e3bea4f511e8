"""What must be the same on a GPU: networks, front ends, sampling, scores and training."""

import itertools

import pytest
import torch
from conftest import noise_clip

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics.registry import metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.formulas import log_snr_line
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.network import WaveGradNetwork
from vocoder.training.data import training_set
from vocoder.training.loop import Recipe, choose_precision, resume, save, start, train
from vocoder.vocoder import Vocoder, best_device
from vocoder.weights import freeze, weights_hash
from vocoder.windows import Windowed

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here"),
]
DIALECTS = [IVANVOVK, LMNT, COQUI]
# A small network of lmnt's layout names its sizes; the other two have them in sections of their own.
SMALL = {
    "lmnt": {
        "sample_rate": 16000,
        "hop_samples": 64,
        "network": {
            "factors": [4, 4, 4],
            "mel_channels": 24,
            "up_channels": [24, 16, 16],
            "up_dilations": [[1, 2, 1, 2]] * 3,
            "signal_channels": 32,
            "down_channels": [16, 24],
        },
    },
    "ivanvovk": {
        "model_config": {
            "factors": [4, 4, 4],
            "upsampling_preconv_out_channels": 24,
            "upsampling_out_channels": [24, 16, 16],
            "upsampling_dilations": [[1, 2, 1, 2]] * 3,
            "downsampling_preconv_out_channels": 32,
            "downsampling_out_channels": [16, 24],
            "downsampling_dilations": [[1, 2, 4]] * 2,
        },
        "data_config": {"sample_rate": 16000, "n_fft": 256, "hop_length": 64, "n_mels": 20},
    },
    "coqui": {
        "model_params": {
            "in_channels": 20,
            "x_conv_channels": 24,
            "y_conv_channels": 32,
            "ublock_out_channels": [24, 24, 16],
            "dblock_out_channels": [16, 24],
            "upsample_factors": [4, 4, 4],
            "upsample_dilations": [[1, 2, 1, 2]] * 3,
        },
        "audio": {"sample_rate": 16000, "fft_size": 256, "win_length": 256, "hop_length": 64, "num_mels": 20},
    },
}
CLIPS = [noise_clip("a", 6400, 0.1), noise_clip("b", 6400, 0.05, seed=1)]


@pytest.fixture(autouse=True)
def _exact_float32(monkeypatch):
    """TF32 keeps ten bits: too few to compare with a CPU. Matrix products do without it by default."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)  # torch's default
    assert best_device().type == "cuda"
    assert not torch.backends.cudnn.allow_tf32


def vocoder(dialect, device: str) -> Vocoder:
    torch.manual_seed(0)
    network = freeze(WaveGradNetwork(dialect.network_config(SMALL[dialect.name]), dialect.quirks))
    return Vocoder(network.to(device), dialect, dialect.front_end(SMALL[dialect.name]), weights_hash(network))


def close(first, second, tolerance):
    torch.testing.assert_close(first.cpu(), second.cpu(), rtol=0, atol=tolerance * float(first.abs().max()))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_network_predicts_the_same_noise(dialect):
    here, there = vocoder(dialect, "cpu"), vocoder(dialect, "cuda")
    audio = torch.stack([clip.audio for clip in CLIPS])
    mel, level = here.front_end(audio), torch.tensor([0.3, 0.99])
    expected = here.predict_noise(audio, mel, level)
    close(expected, there.predict_noise(audio.cuda(), mel.cuda(), level.cuda()), 1e-4)
    assert there.weights_hash == here.weights_hash == weights_hash(there.network)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_front_end_makes_the_same_mels(dialect):
    front_end = dialect.front_end(SMALL[dialect.name])
    audio = torch.stack([clip.audio for clip in CLIPS])
    close(front_end(audio), front_end(audio.cuda()), 1e-4)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_schedules_score_the_same(dialect):
    scores = []
    for device in ("cpu", "cuda"):
        made = vocoder(dialect, device)
        metrics = list(metrics_for(made.front_end, 16000, names=["log_mel_l1", "lsd"]).values())
        evaluator = Evaluator(made, CLIPS, metrics, NoiseBank(0))
        scores.append(evaluator.evaluate([log_snr_line(4, 8.0, -3.0)], (0, 1))[0].scores)
    for name, score in scores[0].items():
        assert scores[1][name].values == pytest.approx(score.values, rel=1e-3)


def test_windows_give_the_whole():
    made = vocoder(COQUI, "cuda")
    audio = torch.randn(1, 64 * 400, device="cuda")
    mel, level = made.front_end(audio), torch.tensor([0.9], device="cuda")
    close(made.predict_noise(audio, mel, level), Windowed(made, 64 * 100).predict_noise(audio, mel, level), 1e-4)


def test_a_training_learns_and_goes_on(tmp_path):
    config = SMALL["ivanvovk"]
    data = training_set(CLIPS, IVANVOVK.front_end(config), crop_frames=12)
    recipe = Recipe(steps=40, batch=8, crop_seconds=0.05, warm_up=3)

    def begun():
        return start(recipe, IVANVOVK, IVANVOVK.network_config(config), device=torch.device("cuda"))

    state = begun()
    choose_precision(state, data)
    losses = [progress.loss for progress in itertools.islice(train(state, data), 20)]
    save(state, tmp_path / "state.pt")
    later = begun()
    resume(later, tmp_path / "state.pt")
    assert later.precision == state.precision
    losses += [progress.loss for progress in train(later, data)]
    assert sum(losses[-5:]) < sum(losses[:5])
