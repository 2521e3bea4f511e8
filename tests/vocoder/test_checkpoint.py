"""Checkpoints in each repository's own layout load as they are; everything else is refused in one line."""

import argparse
import contextlib
import json
import os
import pickle
import re
import shutil
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from vocoder.checkpoints import file as checkpoint_file
from vocoder.checkpoints.configuration import read_config
from vocoder.checkpoints.file import read_checkpoint
from vocoder.checkpoints.loading import load_vocoder
from vocoder.checkpoints.saving import save_checkpoint
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.detection import dialect_of
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.errors import InputError
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.network import WaveGradNetwork
from vocoder.weights import exported_state, weights_hash

State = dict[str, Tensor]
Settings = dict[str, Any]
DILATIONS = [[1, 2, 1, 2], [1, 2, 4, 8], [1, 2, 4, 8]]
AUDIO = {
    "sample_rate": 16000,
    "fft_size": 512,
    "win_length": 400,
    "hop_length": 32,
    "num_mels": 8,
    "mel_fmin": 50.0,
    "mel_fmax": 7600.0,
}


def ivanvovk_config() -> Settings:
    return {
        "model_config": {
            "factors": [4, 4, 2],
            "upsampling_preconv_out_channels": 12,
            "upsampling_out_channels": [10, 8, 6],
            "upsampling_dilations": DILATIONS,
            "downsampling_preconv_out_channels": 32,
            "downsampling_out_channels": [6, 8],
            "downsampling_dilations": [[1, 2, 4], [1, 2, 4]],
        },
        "data_config": {
            "sample_rate": 16000,
            "n_fft": 512,
            "win_length": 400,
            "hop_length": 32,
            "f_min": 50.0,
            "f_max": 7600,
            "n_mels": 8,
        },
    }


def coqui_config() -> Settings:
    model = {
        "in_channels": 8,
        "x_conv_channels": 12,
        "y_conv_channels": 4,
        "ublock_out_channels": [10, 8, 6],
        "dblock_out_channels": [6, 8],
        "upsample_factors": [4, 4, 2],
        "upsample_dilations": DILATIONS,
    }
    return {"model": "wavegrad", "model_params": model, "audio": dict(AUDIO)}


def network(dialect: Dialect, config: Settings, seed: int = 0) -> WaveGradNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return WaveGradNetwork(dialect.network_config(config), dialect.quirks)


def ivanvovk_state(seed: int = 0) -> State:
    return exported_state(network(IVANVOVK, ivanvovk_config(), seed), IVANVOVK)


def coqui_state() -> State:
    return exported_state(network(COQUI, coqui_config()), COQUI)


def write(folder: Path, content: object, config: Settings | None = None, **options: Any) -> Path:
    """The checkpoint, and its configuration beside it as config.json."""
    path = folder / "checkpoint_1000.pt"
    torch.save(content, path, **options)
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return path


def refusal(path: Path, config: Path | None = None) -> str:
    """The one line that a user sees."""
    with pytest.raises(InputError) as caught:
        load_vocoder(path, config)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 800
    return message


# --- what loads ---------------------------------------------------------------------------------


def of_a_trainer(state: State) -> Settings:
    """coqui's: an optimiser with a defaultdict, a loss that is a numpy number."""
    moments = defaultdict(dict, {0: {"step": np.int64(5)}})
    return {"model": state, "optimizer": {"state": moments}, "model_loss": np.float64(0.1), "best": np.float32(0.2)}


def with_everything(state: State) -> Settings:
    """As ivanvovk's logger.py writes it after a schedule was set: buffers, step and optimiser state."""
    names = ("betas", "alphas_cumprod", "posterior_mean_coef1")
    buffers = {name: torch.linspace(1e-6, 1e-2, 50) for name in names}
    moments = {"state": {0: {"step": 5, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-3}]}
    return {"iteration": 1000, "model": OrderedDict(buffers | state), "optimizer": moments}


LAYOUTS: dict[str, Callable[[State], object]] = {
    "with buffers and optimiser": with_everything,
    "with a trainer's own": of_a_trainer,
    "bare": lambda state: state,
    "from DataParallel": lambda state: {"model": {f"module.{name}": state[name] for name in state}},
    "bare from DataParallel": lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    "parameters": lambda state: {"model": {name: nn.Parameter(tensor) for name, tensor in state.items()}},
    "float64": lambda state: {"model": {name: tensor.double() for name, tensor in state.items()}},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("zipped", [True, False], ids=["new format", "legacy format"])
def test_every_layout_gives_the_same_weights(layout: str, zipped: bool, tmp_path: Path) -> None:
    content = LAYOUTS[layout](ivanvovk_state())
    path = write(tmp_path, content, ivanvovk_config(), _use_new_zipfile_serialization=zipped)
    vocoder = load_vocoder(path)
    assert vocoder.dialect is IVANVOVK
    assert vocoder.weights_hash == weights_hash(network(IVANVOVK, ivanvovk_config()))
    assert vocoder.unchanged()
    assert not any(parameter.requires_grad for parameter in vocoder.network.parameters())


def averaged(state: State) -> State:
    """The state of torch's AveragedModel around a module that has these weights."""
    inner = nn.Module()
    inner.register_buffer("a", torch.zeros(3))
    counters = {key: value for key, value in AveragedModel(inner).state_dict().items() if key != "module.a"}
    return counters | {f"module.{name}": tensor for name, tensor in state.items()}


def within(name: str, wrapper: str) -> str:
    """The name of a tensor whose layer, or block, was wrapped by itself."""
    first, dot, rest = name.partition(".")
    return f"{first}.{wrapper}.{rest}"


WRAPPED: dict[str, tuple[str, Callable[[State], object]]] = {
    "torch.compile": ("_orig_mod.", lambda state: {"model": {f"_orig_mod.{name}": state[name] for name in state}}),
    "compiled, then parallel": ("module._orig_mod.", lambda state: {f"module._orig_mod.{n}": state[n] for n in state}),
    "Lightning": ("model.", lambda state: {"state_dict": {f"model.{name}": state[name] for name in state}, "epoch": 3}),
    "AveragedModel": ("module.", lambda state: {"model": averaged(state)}),
    "a compiled submodule": ("_orig_mod.", lambda state: {"model": {within(n, "_orig_mod"): state[n] for n in state}}),
    "FSDP": (
        "module._fsdp_wrapped_module.",
        lambda state: {f"module.{within(n, '_fsdp_wrapped_module')}": state[n] for n in state},
    ),
    "beside a loss": ("net.", lambda state: {"loss.window": torch.ones(8)} | {f"net.{n}": state[n] for n in state}),
    "below another name": ("generator", lambda state: {"generator": state, "critic": {"a": torch.ones(2)}, "step": 1}),
    "two levels down": (
        "state.net module.",
        lambda state: {"state": {"net": {f"module.{name}": state[name] for name in state}}},
    ),
    "any attribute": ("net.core.", lambda state: {f"net.core.{name}": state[name] for name in state}),
}


@pytest.mark.parametrize("wrapping", WRAPPED)
@pytest.mark.parametrize("dialect", [IVANVOVK, COQUI], ids=lambda dialect: dialect.name)
def test_what_a_wrapper_puts_before_every_name_is_taken_off_and_named(
    dialect: Dialect, wrapping: str, tmp_path: Path
) -> None:
    config = ivanvovk_config() if dialect is IVANVOVK else coqui_config()
    prefix, wrap = WRAPPED[wrapping]
    plain = network(dialect, config)
    vocoder = load_vocoder(write(tmp_path, wrap(exported_state(plain, dialect)), config))
    assert vocoder.weights_hash == weights_hash(plain)
    assert f" below {prefix}; " in vocoder.description


def test_a_network_that_is_left_alone_beside_the_usual_one_is_named(tmp_path: Path) -> None:
    state, other = ivanvovk_state(), ivanvovk_state(seed=1)
    path = write(tmp_path, {"model": state, "ema": {"shadow": other}}, ivanvovk_config())
    vocoder = load_vocoder(path)
    assert vocoder.weights_hash == weights_hash(network(IVANVOVK, ivanvovk_config()))
    assert " below model (not the one below ema.shadow); " in vocoder.description


def test_two_networks_in_one_file_are_refused_by_their_places(tmp_path: Path) -> None:
    state = ivanvovk_state()
    both = {f"{part}.{name}": state[name] for part in ("model", "ema_model") for name in state}
    said = refusal(write(tmp_path, {"state_dict": both}, ivanvovk_config()))
    assert "several networks, below 'ema_model.' and 'model.'; save one alone" in said
    compiled = state | {f"_orig_mod.{name}": state[name] for name in state}
    said = refusal(write(tmp_path, compiled, ivanvovk_config()))
    assert "several networks, with and without '_orig_mod.' in their names; save one alone" in said
    advised = said.partition("torch.save(")[2].rpartition(", OTHER)")[0]
    one = eval(advised, {"weights": compiled})  # as the user would
    assert load_vocoder(write(tmp_path, one, ivanvovk_config())).sample_rate == 16000
    elsewhere = {"net": state, "net_ema": state}
    assert "2 networks, below net, net_ema; save one" in refusal(write(tmp_path, elsewhere, ivanvovk_config()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_are_cast_to_float32(dtype: torch.dtype, tmp_path: Path) -> None:
    state = ivanvovk_state()
    path = write(tmp_path, {"model": {n: t.to(dtype) for n, t in state.items()}}, ivanvovk_config())
    loaded = exported_state(load_vocoder(path).network, IVANVOVK)
    assert all(torch.equal(loaded[name], tensor.to(dtype).float()) for name, tensor in state.items())


def test_coqui_carries_its_configuration_inside(tmp_path: Path) -> None:
    path = write(tmp_path, {"model": coqui_state(), "config": coqui_config(), "step": 7, "date": "today"})
    vocoder = load_vocoder(path)
    assert vocoder.dialect is COQUI
    assert (vocoder.sample_rate, vocoder.hop_length, vocoder.front_end.n_mels) == (16000, 32, 8)


def test_a_configuration_beside_fills_in_what_the_file_lacks(tmp_path: Path) -> None:
    inside = {"model_params": coqui_config()["model_params"]}
    path = write(tmp_path, {"model": coqui_state(), "config": inside}, {"audio": AUDIO})
    assert load_vocoder(path).sample_rate == 16000


def test_another_file_of_the_checkpoints_name_hides_no_configuration(tmp_path: Path) -> None:
    path = write(tmp_path, {"model": ivanvovk_state()}, ivanvovk_config())
    path.with_suffix(".json").write_text(json.dumps({"step": 100, "loss": 0.1}))
    assert load_vocoder(path).sample_rate == 16000


def test_a_broken_file_beside_a_configuration_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, {"model": ivanvovk_state()}, ivanvovk_config())
    (tmp_path / "config.json").rename(path.with_suffix(".json"))
    (tmp_path / "config.json").write_text("{")
    assert load_vocoder(path).sample_rate == 16000


def test_a_record_of_the_checkpoints_name_that_is_no_table_hides_no_configuration(tmp_path: Path) -> None:
    path = write(tmp_path, {"model": ivanvovk_state()}, ivanvovk_config())
    for record in ("[1, 2]", '{"step": 1}\n{"step": 2}\n', "loss 0.1"):
        path.with_suffix(".json").write_text(record)
        assert load_vocoder(path).sample_rate == 16000
    (tmp_path / "config.json").write_text('{"of": "another"}')
    assert f"{path.stem}.json must be a JSON configuration" in refusal(path)


def test_sections_that_a_given_configuration_lacks_come_from_beside(tmp_path: Path) -> None:
    path = write(tmp_path, ivanvovk_state(), ivanvovk_config())
    given, data = tmp_path / "given.json", ivanvovk_config()["data_config"]
    given.write_text(json.dumps({"data_config": data | {"f_min": 0.0}}))
    assert getattr(load_vocoder(path, given).front_end, "f_min", None) == 0.0
    dilated = coqui_config()["model_params"] | {"upsample_dilations": [[1, 2, 4, 8]] * 3}
    path = write(tmp_path, coqui_state(), {"model_params": dilated, "audio": AUDIO})
    given.write_text(json.dumps({"audio": AUDIO}))
    assert load_vocoder(path, given).network.config.up_dilations == ((1, 2, 4, 8),) * 3


def test_a_whole_configuration_that_is_given_needs_none_beside(tmp_path: Path) -> None:
    path = write(tmp_path, ivanvovk_state(), ivanvovk_config())
    given = (tmp_path / "config.json").rename(tmp_path / "given.json")
    (tmp_path / "config.json").write_text("{")
    assert load_vocoder(path, given).sample_rate == 16000


def test_the_configuration_inside_wins_over_the_one_beside(tmp_path: Path) -> None:
    beside = {"audio": AUDIO | {"sample_rate": 22050}, "model_params": coqui_config()["model_params"]}
    inside = {"audio": AUDIO}
    path = write(tmp_path, {"model": coqui_state(), "config": inside}, beside)
    assert load_vocoder(path).sample_rate == 16000


def test_a_given_configuration_wins_over_those_inside_and_beside(tmp_path: Path) -> None:
    path = write(tmp_path, {"model": coqui_state(), "config": coqui_config()}, coqui_config())
    given = tmp_path / "other.json"
    given.write_text(json.dumps({"audio": AUDIO | {"sample_rate": 22050}}))
    assert load_vocoder(path, given).sample_rate == 22050


def test_a_configuration_of_the_checkpoints_own_name_wins_over_config_json(tmp_path: Path) -> None:
    other = ivanvovk_config()
    other["data_config"]["sample_rate"] = 22050
    path = write(tmp_path, {"model": ivanvovk_state()}, other)
    path.with_suffix(".json").write_text(json.dumps(ivanvovk_config()))
    assert load_vocoder(path).sample_rate == 16000


def test_channels_and_mel_count_are_read_off_the_tensors(tmp_path: Path) -> None:
    config = ivanvovk_config()
    for key in [key for key in config["model_config"] if key.endswith("channels")]:
        del config["model_config"][key]
    del config["data_config"]["n_mels"]
    path = write(tmp_path, ivanvovk_state(), config)
    assert load_vocoder(path).network.config == IVANVOVK.network_config(ivanvovk_config())


def test_coqui_channels_are_read_off_the_tensors(tmp_path: Path) -> None:
    config = coqui_config()
    model = config["model_params"]
    config["model_params"] = {key: model[key] for key in ("upsample_factors", "upsample_dilations")}
    del config["audio"]["num_mels"]
    path = write(tmp_path, coqui_state(), config)
    assert load_vocoder(path).network.config == COQUI.network_config(coqui_config())


def test_an_lmnt_network_of_another_size_says_what_its_configuration_lacks(tmp_path: Path) -> None:
    """lmnt's own code saves params without a network: an edited model.py holds its factors and dilations alone."""
    sizes = {
        "n_mels": 20, "factors": [4, 4, 4], "mel_channels": 16, "up_channels": [16, 8, 8], "signal_channels": 8,
        "up_dilations": [[1, 2, 1, 2]] * 3, "down_channels": [8, 16],
    }  # fmt: skip
    rates = {"sample_rate": 16000, "hop_samples": 64}
    state = exported_state(network(LMNT, {**rates, "network": sizes}), LMNT)
    path = write(tmp_path, {"model": state, "params": rates})
    said = refusal(path)
    assert "(lmnt): factors [5, 5, 3, 2, 2] need 5 upsampling channels" in said
    assert "give CONFIG=FILE, which wins, with the right sample_rate, hop_samples, network.n_mels, " in said
    given = tmp_path / "given.json"
    given.write_text(json.dumps({**rates, "network": {key: sizes[key] for key in ("factors", "up_dilations")}}))
    assert load_vocoder(path, given).network.config == LMNT.network_config({"network": sizes})


def test_coqui_sizes_that_its_own_network_cannot_run_are_refused() -> None:
    """Its film[1] takes ublock_out_channels[-1] channels, and dblocks[0] gives it dblock_out_channels[0]."""
    config = coqui_config()
    config["model_params"]["dblock_out_channels"] = [8, 8]
    with pytest.raises(InputError, match=r"without its first, \[6, 8\], and is \[8, 8\]"):
        COQUI.network_config(config)


@pytest.mark.parametrize("names", ["old", "new"])
def test_weight_norm_is_folded_as_torch_itself_does(names: str, tmp_path: Path) -> None:
    """Each convolution is wrapped by torch, so that g and v are its own; half of them are rescaled."""
    state: State = {}
    for i, (name, weight) in enumerate(item for item in coqui_state().items() if item[0].endswith("weight")):
        layer = nn.Conv1d(weight.shape[1], weight.shape[0], weight.shape[2])
        layer.weight.data.copy_(weight)
        old = names == "old"
        wrap = nn.utils.weight_norm if old else nn.utils.parametrizations.weight_norm
        wrap(layer)
        for key, parameter in layer.named_parameters():
            parameter.data.mul_(1 + i % 2)
            state[name.removesuffix("weight") + key] = parameter.data
    path = write(tmp_path, {"model": state, "config": coqui_config()})
    folded = exported_state(load_vocoder(path).network, COQUI)
    expected = [tensor for name, tensor in coqui_state().items() if name.endswith("weight")]
    loaded = [tensor for name, tensor in folded.items() if name.endswith("weight")]
    for i, (ours, plain) in enumerate(zip(loaded, expected, strict=True)):
        torch.testing.assert_close(ours, plain * (1 + i % 2))


@pytest.fixture(scope="module")
def lmnt_state() -> State:
    """Its one size, in float16 and constant to be quick."""
    with torch.device("meta"):
        empty = WaveGradNetwork(LMNT.network_config({}), LMNT.quirks)
    shapes = exported_state(empty, LMNT)
    return {name: torch.full(t.shape, 0.001, dtype=torch.float16) for name, t in shapes.items()}


def test_lmnt_carries_its_parameters_inside(lmnt_state: State, tmp_path: Path) -> None:
    """The layout of its learner.py, where params is a dict with the training schedule among others."""
    params = {"sample_rate": 16000, "hop_samples": 300, "noise_schedule": [1e-6, 1e-2], "batch_size": 32}
    scaler = {"scale": 65536.0, "growth_factor": 2.0}
    content = {"step": 9, "model": lmnt_state, "optimizer": {}, "params": params, "scaler": scaler}
    vocoder = load_vocoder(write(tmp_path, content))
    assert vocoder.dialect is LMNT
    assert vocoder.sample_rate == 16000
    assert vocoder.description.startswith("lmnt: keys begin with upsample.0.block1; 15.9M parameters, 16000 Hz")


def test_lmnt_without_parameters_is_what_its_own_inference_assumes(lmnt_state: State, tmp_path: Path) -> None:
    vocoder = load_vocoder(write(tmp_path, lmnt_state))
    assert (vocoder.sample_rate, vocoder.hop_length) == (22050, 300)


def test_lmnt_with_another_hop_is_refused(lmnt_state: State, tmp_path: Path) -> None:
    message = refusal(write(tmp_path, {"model": lmnt_state, "params": {"hop_samples": 256}}))
    assert "hop is 256 samples, the network's factors [5, 5, 3, 2, 2] make 300" in message
    assert "CONFIG=FILE" in message and "hop_samples" in message and "network.factors" in message
    assert "hop_length" not in message  # which lmnt's params do not have


def test_the_advice_on_another_hop_can_be_followed(lmnt_state: State, tmp_path: Path) -> None:
    path = write(tmp_path, {"model": lmnt_state, "params": {"hop_samples": 256}})
    config = tmp_path / "own.json"
    config.write_text(json.dumps({"hop_samples": 256, "network": {"factors": [4, 4, 4, 2, 2]}}))
    assert load_vocoder(path, config).hop_length == 256


@pytest.mark.slow
@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"factors": [4, 4, 4, 2, 2], "hop_length": 256}, "hop_length is 256 in the configuration, and .* has 300"),
        ({"factors": [4, 4, 4, 2, 2]}, r"factors is \[4, 4, 4, 2, 2\] .* has \[5, 5, 3, 2, 2\]"),
        ({"n_mels": 80}, "n_mels is 80 .* has 128"),
        ({"n_fft": 1024}, "n_fft is 1024 .* has 2048"),
        ({"fmax": 8000}, "fmax is 8000 .* has 11025"),
    ],
)
def test_settings_that_contradict_lmnts_network_are_refused(
    params: Settings, said: str, lmnt_state: State, tmp_path: Path
) -> None:
    path = write(tmp_path, {"model": lmnt_state, "params": {"sample_rate": 22050, "hop_samples": 300} | params})
    assert re.search(said, refusal(path))


def test_settings_that_agree_with_the_network_are_no_contradiction(lmnt_state: State, tmp_path: Path) -> None:
    params = {"factors": [5, 5, 3, 2, 2], "hop_length": 300, "n_mels": 128, "n_fft": 2048, "f_min": 20, "f_max": None}
    assert load_vocoder(write(tmp_path, {"model": lmnt_state, "params": params})).hop_length == 300


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("data_config", "hop_size", 64),
        ("data_config", "fmin", 0.0),
        ("data_config", "filter_length", 1024),
        ("data_config", "n_mel_channels", 80),
        ("audio", "hop_length", 64),
        ("", "hop_length", 64),
    ],
)
def test_settings_under_another_name_that_contradict_are_refused(
    section: str, key: str, value: float, tmp_path: Path
) -> None:
    config = ivanvovk_config()
    table = config.setdefault(section, {}) if section else config
    table[key] = value
    said = f"{section}.{key}".removeprefix(".")
    assert f"{said} is {value} in the configuration" in refusal(write(tmp_path, ivanvovk_state(), config))


def test_settings_of_other_networks_and_the_same_in_words_are_no_contradiction(tmp_path: Path) -> None:
    config = ivanvovk_config() | {"stft_loss_params": {"fft_size": 2048}, "discriminator": {"out_channels": 2}}
    config["data_config"]["hop_size"] = "32"
    assert load_vocoder(write(tmp_path, ivanvovk_state(), config)).hop_length == 32


def test_the_configuration_of_another_model_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, coqui_state(), coqui_config() | {"model": "hifigan"})
    assert "of the model 'hifigan', and this is a WaveGrad; give its own: CONFIG=FILE" in refusal(path)


def test_null_means_to_ivanvovks_mel_what_it_means_to_torchaudio(tmp_path: Path) -> None:
    """f_max: None -> sample_rate // 2; win_length: None -> n_fft (torchaudio.transforms.MelSpectrogram)."""
    config = ivanvovk_config()
    config["data_config"] |= {"f_max": None, "win_length": None}
    front_end = load_vocoder(write(tmp_path, ivanvovk_state(), config)).front_end
    assert isinstance(front_end, IvanvovkMel)
    assert (front_end.f_max, front_end.win_length) == (8000.0, 512)


def test_the_dialect_is_told_by_the_keys(lmnt_state: State) -> None:
    assert dialect_of(ivanvovk_state()) is IVANVOVK
    assert dialect_of(coqui_state()) is COQUI
    assert dialect_of(lmnt_state) is LMNT


def test_the_description_says_how_it_was_known_and_its_sizes(tmp_path: Path) -> None:
    vocoder = load_vocoder(write(tmp_path, ivanvovk_state(), ivanvovk_config()))
    assert vocoder.description == (
        "ivanvovk: keys begin with nn.ublocks; 0.0M parameters, 16000 Hz, hop 32 = 4 x 4 x 2, 8 mels"
    )


def test_numpy_arrays_beside_the_model_are_data(tmp_path: Path) -> None:
    beside = {
        "mel_mean": np.zeros(8), "names": np.array(["a", None], dtype=object), "scale": np.arange(6.0).reshape(2, 3).T,
        "best": np.float32(0.2), "log": {"loss": [np.float64(0.1)] * 3, "bytes": b"\xff"}, "none": np.zeros((0, 3)),
        "rows": np.zeros(2, dtype=[("a", "i4"), ("b", "f4")]), "speakers": np.array(["a", "b"]), "kind": np.dtype("f4"),
        "when": np.datetime64("2024-01-01"), "args": argparse.Namespace(lr=1e-3, out=Path("x")), "name": np.str_("a"),
    }  # fmt: skip
    for zipped in (True, False):
        content = {"model": ivanvovk_state()} | beside
        path = write(tmp_path, content, ivanvovk_config(), _use_new_zipfile_serialization=zipped)
        assert load_vocoder(path).weights_hash == weights_hash(network(IVANVOVK, ivanvovk_config()))


def test_numpy_numbers_in_a_carried_configuration_are_settings(lmnt_state: State, tmp_path: Path) -> None:
    params = {"sample_rate": np.int64(16000), "hop_samples": 300, "noise_schedule": np.linspace(1e-6, 1e-2, 50)}
    assert load_vocoder(write(tmp_path, {"model": lmnt_state, "params": params})).sample_rate == 16000
    config = read_checkpoint(tmp_path / "checkpoint_1000.pt").config
    assert config["noise_schedule"] == np.linspace(1e-6, 1e-2, 50).tolist()


def test_a_trainers_own_configuration_hides_none_of_the_dialects(lmnt_state: State, tmp_path: Path) -> None:
    params = {"sample_rate": 16000, "hop_samples": 300}
    for others in ({"batch_size": 32}, {"sample_rate": 16000, "lr": 1e-3}):
        path = write(tmp_path, {"model": lmnt_state, "config": others, "params": params})
        assert read_checkpoint(path).config == params
        assert load_vocoder(path).sample_rate == 16000


def test_keys_of_a_carried_configuration_may_be_numbers(tmp_path: Path) -> None:
    carried = coqui_config() | {0: {"a": 1}, "speakers": {1: "a"}}
    path = write(tmp_path, {"model": coqui_state(), "config": carried})
    assert load_vocoder(path).sample_rate == 16000
    carried["audio"] = AUDIO | {5: 1}
    assert "'5'" in refusal(write(tmp_path, {"model": coqui_state(), "config": carried}))


def test_names_around_a_network_are_shown_as_any_terminal_can(tmp_path: Path) -> None:
    name = "\x1b[2J\n" + "net" * 1000
    for content in ({name: coqui_state()}, {"model": coqui_state(), name: {"shadow": coqui_state()}}):
        vocoder = load_vocoder(write(tmp_path, content | {"config": coqui_config()}))
        assert r" below " in vocoder.description and r"\x1b[2J\nnet" in vocoder.description
        assert vocoder.description.isprintable() and len(vocoder.description) < 500


def test_safetensors_are_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({f"module.{name}": tensor for name, tensor in ivanvovk_state().items()}, path)
    (tmp_path / "config.json").write_text(json.dumps(ivanvovk_config()))
    vocoder = load_vocoder(path)
    assert vocoder.weights_hash == weights_hash(network(IVANVOVK, ivanvovk_config()))
    elsewhere = tmp_path / "caf\udce9"  # b"caf\xe9" on disk
    with contextlib.suppress(OSError):  # of a file system that takes UTF-8 alone
        elsewhere.mkdir()
    if elsewhere.is_dir():
        shutil.copy(path, elsewhere)
        assert load_vocoder(elsewhere / path.name, tmp_path / "config.json").weights_hash == vocoder.weights_hash
    path.write_bytes(bytes(path.stat().st_size))
    assert vocoder.unchanged()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: data[:-1], "a damaged safetensors file"),
        (lambda data: data.replace(b'"F32"', b'"F99"', 1), "a damaged safetensors file"),
        (lambda data: (2 << 20).to_bytes(8, "little") + b"{" + b" " * (2 << 20), "takes 2097152 bytes"),
    ],
)
def test_a_spoilt_safetensors_file_is_one_line(spoil: Callable[[bytes], bytes], said: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(spoil(safetensors.torch.save(ivanvovk_state())))
    assert said in refusal(path)


# --- coqui's statistics -------------------------------------------------------------------------


def statistics_checkpoint(tmp_path: Path, named: str, **computed_with: object) -> Path:
    (tmp_path / "settings").mkdir()
    config = coqui_config()
    config["audio"] |= {"stats_path": named, "signal_norm": True}
    statistics = {"mel_mean": np.full(8, -50.0), "mel_std": np.full(8, 10.0)}
    content: Any = statistics | {"audio_config": AUDIO | computed_with}
    np.save(tmp_path / "settings" / "scale_stats.npy", content, allow_pickle=True)
    (tmp_path / "settings" / "config.json").write_text(json.dumps(config))
    return write(tmp_path, {"model": coqui_state()})


@pytest.mark.parametrize("named", ["scale_stats.npy", "/a/b/scale_stats.npy", "C:\\a\\scale_stats.npy"])
def test_mel_statistics_are_found_beside_the_configuration(named: str, tmp_path: Path) -> None:
    path = statistics_checkpoint(tmp_path, named)
    audio = torch.zeros(1, 320)
    mel = load_vocoder(path, tmp_path / "settings" / "config.json").front_end(audio)
    floor = 20 * np.log10(1e-8)  # AMPLITUDE_FLOOR of the front end, in decibels
    assert torch.allclose(mel, torch.tensor((floor + 50) / 10).float())


def test_statistics_of_another_mel_are_refused(tmp_path: Path) -> None:
    path = statistics_checkpoint(tmp_path, "scale_stats.npy", mel_fmin=0.0)
    assert "mel_fmin" in refusal(path, tmp_path / "settings" / "config.json")


def test_missing_statistics_are_named(tmp_path: Path) -> None:
    path = statistics_checkpoint(tmp_path, "lost.npy")
    assert "lost.npy" in refusal(path, tmp_path / "settings" / "config.json")


# --- configurations that are missing or wrong ---------------------------------------------------


def test_without_a_configuration_what_the_tensors_cannot_show_is_demanded(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, {"model": ivanvovk_state()}))
    for expected in ("CONFIG=", "factors", "sample_rate", "dilations", "n_mels 8", "[10, 8, 6]"):
        assert expected in message
    message = refusal(write(tmp_path, {"model": coqui_state()}))
    for expected in ("CONFIG=", "upsample_factors", "sample_rate", "num_mels 8"):
        assert expected in message


def test_a_setting_that_is_left_out_is_named(tmp_path: Path) -> None:
    config = ivanvovk_config()
    del config["data_config"]["sample_rate"]
    message = refusal(write(tmp_path, ivanvovk_state(), config))
    assert "data_config: sample_rate;" in message


def test_factors_that_do_not_make_the_hop_are_refused(tmp_path: Path) -> None:
    config = ivanvovk_config()
    config["model_config"]["factors"] = [5, 3, 2]
    message = refusal(write(tmp_path, ivanvovk_state(), config))
    assert "hop" in message and "30" in message and "32" in message


@pytest.mark.parametrize(
    ("section", "key", "value", "said"),
    [
        ("model_config", "factors", [4, 4, 2, 1], "4 upsampling channels"),
        ("model_config", "upsampling_dilations", [[1, 2, 4]] * 3, "4 dilations"),
        ("model_config", "downsampling_dilations", [[1, 2, 4]], "2 rows of downsampling dilations"),
        ("model_config", "upsampling_out_channels", [10, 8, 7], "expected"),
        ("model_config", "downsampling_out_channels", [7, 8], "channels must be even"),
        ("model_config", "factors", [4, 4, 0], "factors"),
        ("model_config", "factors", "4, 4, 2", "factors"),
        ("data_config", "n_mels", 80, "expected"),
        ("data_config", "sample_rate", "16 kHz", "sample_rate"),
    ],
)
def test_a_wrong_setting_is_one_line(
    section: str, key: str, value: object, said: str, tmp_path: Path
) -> None:
    config = ivanvovk_config()
    config[section][key] = value
    assert said in refusal(write(tmp_path, ivanvovk_state(), config))


@pytest.mark.parametrize("section", ["model_config", "data_config"])
def test_a_section_must_be_a_table(section: str, tmp_path: Path) -> None:
    assert section in refusal(write(tmp_path, ivanvovk_state(), ivanvovk_config() | {section: [1]}))


@pytest.mark.parametrize("text", ["", "{", "[1]", "factors = 3", "\xff", "[" * 100_000])
def test_a_configuration_that_is_no_json_table_is_one_line(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, ivanvovk_state())
    (tmp_path / "config.json").write_bytes(text.encode("latin1"))
    assert "config.json" in refusal(path)
    assert "config.json" in refusal(path, tmp_path / "config.json")


def test_other_weights_one_level_down_are_named(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, {"generator": {"a.weight": torch.ones(2)}, "step": 5}, ivanvovk_config()))
    assert "holds no tensors but below 'generator'; save one of them alone" in message


def test_a_given_configuration_must_exist_and_concern_the_dialect(tmp_path: Path) -> None:
    path = write(tmp_path, ivanvovk_state(), coqui_config())
    assert "cannot read" in refusal(path, tmp_path / "none.json")
    assert "model_config, data_config" in refusal(path, tmp_path / "config.json")


def test_comments_in_a_configuration_are_left_out(tmp_path: Path) -> None:
    """coqui's older config.json files have them; a // inside a string is no comment."""
    path = tmp_path / "config.json"
    path.write_text('{ // rate\n "a": 1, /* two\nlines */ "url": "http://x" }')
    assert read_config(path) == {"a": 1, "url": "http://x"}
    path.write_text('{"a": "\\"//\\\\", "b": "/*" /**/} // "')
    assert read_config(path) == {"a": '"//\\', "b": "/*"}


@pytest.mark.parametrize("text", ['{"a": 1} /* b', '{"a": 1 /*}', '{"a": "b}', '{"a": "b\\', '{"a": "b // c\n"}'])
def test_a_comment_or_a_text_without_its_end_is_no_configuration(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match="must be a JSON configuration, and is not"):
        read_config(tmp_path / "config.json")


# --- files that are refused ---------------------------------------------------------------------


class _Touch:
    """Pickled, it asks for a file to be made when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("bare_pickle", [False, True])
def test_a_pickle_that_wants_to_run_code_is_refused_and_runs_nothing(
    bare_pickle: bool, tmp_path: Path
) -> None:
    content = {"model": ivanvovk_state(), "extra": _Touch(tmp_path / "ran")}
    path = write(tmp_path, content, ivanvovk_config())
    if bare_pickle:
        path.write_bytes(pickle.dumps({"model": {}, "extra": _Touch(tmp_path / "ran")}))
    message = refusal(path)
    assert "wants to run code" in message and "plain state dict" in message
    assert not (tmp_path / "ran").exists()


def test_whole_modules_are_refused_by_name(tmp_path: Path) -> None:
    assert "torch.nn.modules.conv.Conv1d" in refusal(write(tmp_path, {"model": nn.Conv1d(1, 1, 1)}))


def good_bytes(tmp_path: Path) -> bytes:
    return write(tmp_path, {"model": ivanvovk_state()}, ivanvovk_config()).read_bytes()


@pytest.mark.parametrize("kept", [0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(kept: float, tmp_path: Path) -> None:
    content = good_bytes(tmp_path)
    path = tmp_path / "checkpoint_1000.pt"
    path.write_bytes(content[: int(kept * len(content))])
    assert "truncated" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"<!DOCTYPE html>", b"version https://git-lfs", b"\x00" * 64, b"hello", b"\x80"]
)
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    path.write_bytes(content)
    assert "file.pt" in refusal(path)


def test_torchscript_is_called_so_and_the_advice_helps(tmp_path: Path) -> None:
    path = tmp_path / "scripted.pt"
    torch.jit.trace(nn.Conv1d(1, 1, 1), torch.zeros(1, 1, 1)).save(str(path))
    message = refusal(path)
    assert "a TorchScript archive" in message and "truncated" not in message
    assert "torch.save(torch.jit.load(FILE).state_dict(), OTHER)" in message
    torch.save(torch.jit.load(path).state_dict(), tmp_path / "weights.pt")
    assert "its keys are weight, bias" in refusal(tmp_path / "weights.pt")


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "git lfs pull"),
        (b"\n<!DOCTYPE html>", "a web page"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"7z\xbc\xaf\x27\x1c", "a packed file"),
        (b"GGUF\x03", "a GGUF file"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
    ],
)
def test_a_file_of_a_known_other_kind_is_called_what_it_is(start: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    path.write_bytes(start + bytes(64))
    assert said in refusal(path)
    assert "truncated" not in refusal(path)


def test_an_exported_program_is_called_so(tmp_path: Path) -> None:
    """torch.export.save writes this member."""
    with zipfile.ZipFile(tmp_path / "a.pt2", "w") as archive:
        archive.writestr("a/archive_format", "pt2")
    assert "a torch.export archive, which holds code; give its weights" in refusal(tmp_path / "a.pt2")


def test_a_zip_archive_of_other_files_is_called_so(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    assert "a zip archive of other files, as a.npy" in refusal(tmp_path / "a.npz")


def test_empty_missing_and_irregular_files_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pt"
    empty.touch()
    assert "is empty" in refusal(empty)
    assert "is a directory" in refusal(tmp_path)
    assert "there is no" in refusal(tmp_path / "none.pt")
    os.mkfifo(tmp_path / "pipe.pt")
    assert "there is no" in refusal(tmp_path / "pipe.pt")


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, ivanvovk_state(), ivanvovk_config())
    monkeypatch.setattr(checkpoint_file, "SIZE_LIMIT", 1000)
    assert "at most 1000" in refusal(path)


def test_an_archive_that_unpacks_to_many_times_its_size_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data/0", bytes(1_000_000))
    assert "bytes unpack to 1000000" in refusal(path)


@pytest.mark.parametrize(
    "content", [[1, 2], torch.zeros(3), {"model": {}}, {"step": 3}, {"a": torch.zeros(1)}]
)
def test_content_that_is_no_state_dict_is_refused(content: object, tmp_path: Path) -> None:
    assert "WaveGrad" in refusal(write(tmp_path, content))


def test_another_architecture_is_refused_with_the_keys_it_has(tmp_path: Path) -> None:
    hifi_gan = {"generator": {}, "conv_pre.weight": torch.zeros(1), "ups.0.weight": torch.zeros(1)}
    message = refusal(write(tmp_path, hifi_gan))
    assert "conv_pre.weight" in message
    assert all(name in message for name in ("ivanvovk", "lmnt", "coqui"))


def test_unprintable_tensor_names_are_refused(tmp_path: Path) -> None:
    assert "names" in refusal(write(tmp_path, {"nn.ublocks\x1b[31m\n": torch.zeros(1)}))


# --- tensors that are refused -------------------------------------------------------------------

OUTPUT = "nn.ublock_postconv.conv1d.weight"


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(lambda t: t.fill_(float("nan")), id="NaN"),
        pytest.param(lambda t: t.fill_(float("inf")), id="infinity"),
        pytest.param(lambda t: t.double().fill_(1e300), id="beyond float32"),
        pytest.param(lambda t: t.to(torch.int64), id="whole numbers"),
        pytest.param(lambda t: t.to(torch.complex64), id="complex"),
        pytest.param(lambda t: t.to_sparse(), id="sparse"),
        pytest.param(lambda t: t.to("meta"), id="no content"),
        pytest.param(lambda t: torch.zeros(1).expand(t.shape), id="expanded"),
        pytest.param(lambda t: t[:, :, :2].clone(), id="wrong shape"),
        pytest.param(lambda t: t[0].clone(), id="too few dimensions"),
        pytest.param(lambda t: torch.zeros(()), id="a number"),
    ],
)
def test_a_spoilt_tensor_is_refused_by_name(spoilt: Callable[[Tensor], Tensor], tmp_path: Path) -> None:
    state = ivanvovk_state()
    state[OUTPUT] = spoilt(state[OUTPUT].clone())
    assert OUTPUT in refusal(write(tmp_path, {"model": state}, ivanvovk_config()))


def test_every_tensor_must_find_its_place(tmp_path: Path) -> None:
    state = ivanvovk_state()
    removed = {name: tensor for name, tensor in state.items() if name != OUTPUT}
    assert f"missing: {OUTPUT}" in refusal(write(tmp_path, removed, ivanvovk_config()))
    for extra in ("nn.extra.weight", "extra.weight"):
        assert f"unexpected: {extra}" in refusal(
            write(tmp_path, state | {extra: torch.zeros(1)}, ivanvovk_config())
        )


def test_half_a_weight_norm_pair_is_refused_by_name(tmp_path: Path) -> None:
    state = coqui_state()
    state["x_conv.weight_v"] = state.pop("x_conv.weight")
    for gain in ({}, {"x_conv.weight_g": torch.zeros(5, 5)}):
        assert "x_conv.weight_v" in refusal(write(tmp_path, {"model": state | gain}, coqui_config()))


# --- saving -------------------------------------------------------------------------------------


def test_a_saved_network_loads_as_its_float16_rounding(tmp_path: Path) -> None:
    original = network(IVANVOVK, ivanvovk_config())
    path = save_checkpoint(original, IVANVOVK, ivanvovk_config(), tmp_path)
    vocoder = load_vocoder(path)
    for ours, saved in zip(vocoder.network.parameters(), original.parameters(), strict=True):
        assert torch.equal(ours, saved.detach().half().float())
    assert vocoder.sample_rate == 16000
    assert sorted(item.name for item in tmp_path.iterdir()) == ["checkpoint.pt", "config.json"]


def test_a_saved_network_is_no_larger_than_its_weights(tmp_path: Path) -> None:
    """torch saves whole storages: a view into joined weights would be saved with all of them."""
    original = network(IVANVOVK, ivanvovk_config())
    path = save_checkpoint(original, IVANVOVK, ivanvovk_config(), tmp_path)
    with zipfile.ZipFile(path) as archive:
        stored = sum(item.file_size for item in archive.infolist() if "/data/" in item.filename)
    assert stored == 2 * sum(parameter.numel() for parameter in original.parameters())


def test_ivanvovks_own_call_loads_what_we_save(tmp_path: Path) -> None:
    """model.load_state_dict(torch.load(path)["model"], strict=False), on modules named as there."""
    names = ivanvovk_state()
    theirs = nn.Module()
    for name, tensor in names.items():
        parent = theirs
        *path, last = name.split(".")
        for part in path:
            if not hasattr(parent, part):
                parent.add_module(part, nn.Module())
            parent = parent.get_submodule(part)
        parent.register_parameter(last, nn.Parameter(torch.zeros_like(tensor)))
    saved = save_checkpoint(network(IVANVOVK, ivanvovk_config()), IVANVOVK, ivanvovk_config(), tmp_path)
    found = theirs.load_state_dict(torch.load(saved)["model"], strict=False)
    assert not found.missing_keys and not found.unexpected_keys
    for name, tensor in names.items():
        assert torch.equal(theirs.get_parameter(name), tensor.half().float())


def test_a_network_that_cannot_be_saved_leaves_the_old_files(tmp_path: Path) -> None:
    original = network(IVANVOVK, ivanvovk_config())
    path = save_checkpoint(original, IVANVOVK, ivanvovk_config(), tmp_path)
    before = path.read_bytes()
    other = ivanvovk_config()
    other["model_config"]["factors"] = [8, 2, 2]
    with pytest.raises(InputError, match="another network"):
        save_checkpoint(original, IVANVOVK, other, tmp_path)
    for value, said in ((float("nan"), "NaN"), (1e6, "65504")):
        original.output.weight.data.fill_(value)
        with pytest.raises(InputError, match=said):
            save_checkpoint(original, IVANVOVK, ivanvovk_config(), tmp_path)
    assert path.read_bytes() == before


def test_coquis_window_counts_for_nothing_beside_milliseconds(tmp_path: Path) -> None:
    config = coqui_config()
    rate = config["audio"]["sample_rate"]
    milliseconds = {"frame_length_ms": 128e3 / rate, "frame_shift_ms": 32e3 / rate}
    config["audio"] |= {"hop_length": None, "win_length": 77, **milliseconds}
    state = exported_state(network(COQUI, config), COQUI)
    front_end: Any = load_vocoder(write(tmp_path, {"model": state}, config)).front_end
    assert (front_end.win_length, front_end.hop_length) == (128, 32)


@pytest.mark.parametrize("name", ["spec_gain", "max_norm"])
def test_a_coqui_mel_that_is_the_same_for_all_audio_is_refused(tmp_path: Path, name: str) -> None:
    config = coqui_config()
    config["audio"][name] = 0
    state = exported_state(network(COQUI, config), COQUI)
    assert f"{name} must not be 0: every mel would be the same" in refusal(write(tmp_path, {"model": state}, config))


@pytest.mark.slow
def test_a_checkpoint_may_hold_the_loss_of_each_step(tmp_path: Path) -> None:
    history = {"loss": [0.5] * 200_000, "steps": list(range(90_000)), "by step": dict.fromkeys(range(60_000), 0.5)}
    load_vocoder(write(tmp_path, {"model": ivanvovk_state(), "history": history}, ivanvovk_config()))
