"""The precision that schedules are scored in: measured once, kept, and never in the way."""

import json
import pwd

import pytest
import torch

from schedsearch.voice import precision as choosing
from schedsearch.voice.precision import check_precision, fastest, measured_gain
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.errors import InputError
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.network import NetworkConfig, WaveGradNetwork
from vocoder.vocoder import FLOAT32_STEPS, Vocoder, in_precision
from vocoder.weights import freeze

SIZES = NetworkConfig(
    n_mels=6,
    factors=(4, 2),
    mel_channels=8,
    up_channels=(8, 6),
    up_dilations=((1, 2, 1, 2), (1, 2, 4, 8)),
    signal_channels=4,
    down_channels=(6,),
    down_dilations=((1, 2, 4),),
)


@pytest.fixture
def vocoder():
    """A tiny network with random weights."""
    torch.manual_seed(0)
    front_end = IvanvovkMel(16000, 64, 64, SIZES.hop_length, 20.0, 8000.0, SIZES.n_mels)
    return Vocoder(freeze(WaveGradNetwork(SIZES, IVANVOVK.quirks)), IVANVOVK, front_end, "random")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "schedsearch" / "precision.json"


@pytest.fixture
def gains(monkeypatch):
    """Takes the place of timing; counts how often anything is timed."""
    timed: list[object] = []

    def plant(gain):
        def measured(call):
            timed.append(call)
            return gain

        monkeypatch.setattr(choosing, "bfloat16_gain", measured)
        return timed

    return plant


@pytest.mark.parametrize(("gain", "chosen"), [(1.19, None), (1.2, torch.bfloat16), (3.0, torch.bfloat16), (0.5, None)])
def test_bfloat16_only_where_it_is_a_fifth_faster(vocoder, cache, gains, gain, chosen):
    gains(gain)
    assert fastest(vocoder).autocast is chosen


def test_a_machine_is_timed_once(vocoder, cache, gains):
    timed = gains(1.7)
    assert [measured_gain(vocoder) for _ in range(3)] == [1.7] * 3
    assert len(timed) == 1
    [key] = json.loads(cache.read_text())
    assert f"torch {torch.__version__}" in key


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', "\xff"])
def test_a_damaged_cache_is_made_anew(vocoder, cache, gains, content):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(content.encode("latin-1"))
    gains(1.5)
    assert measured_gain(vocoder) == 1.5
    assert 1.5 in json.loads(cache.read_text()).values()


def test_without_a_folder_to_write_to_it_is_timed_each_time(vocoder, tmp_path, monkeypatch, gains):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    timed = gains(1.5)
    assert [measured_gain(vocoder) for _ in range(2)] == [1.5] * 2
    assert len(timed) == 2


def test_a_cache_that_cannot_be_written_ends_nothing(vocoder, cache, gains):
    cache.mkdir(parents=True)  # a folder where the file belongs; rights would not stop root
    timed = gains(1.5)
    assert [measured_gain(vocoder) for _ in range(2)] == [1.5] * 2
    assert len(timed) == 2


def test_a_user_without_a_home_is_timed_each_time(vocoder, monkeypatch, gains):
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # as in a container that runs with a user of no entry
    timed = gains(1.5)
    assert [measured_gain(vocoder) for _ in range(2)] == [1.5] * 2
    assert len(timed) == 2


def test_the_timed_call_runs_the_network_in_the_precision_that_it_is_given(vocoder):
    call = choosing._call(vocoder)
    assert call(None) == call(None)
    assert call(torch.bfloat16) != call(None)


@pytest.mark.parametrize("name", ["", "fp16", "BFLOAT16"])
def test_an_unknown_precision_is_one_line(name):
    with pytest.raises(InputError, match="PRECISION must be one of auto, float32, bfloat16"):
        check_precision(name)


def test_the_cleanest_steps_run_in_float32_and_the_others_do_not(vocoder):
    reduced = in_precision(vocoder, torch.bfloat16)
    assert [reduced.at_step(n).autocast for n in range(4)] == [None] * FLOAT32_STEPS + [torch.bfloat16] * 2
    assert reduced.precision == f"bfloat16, {FLOAT32_STEPS} steps in float32"
    assert vocoder.at_step(0) is vocoder
    assert vocoder.precision == "float32"
