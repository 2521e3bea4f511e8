"""coqui TTS: nearest interpolation, y clamped after each step, level added plainly, float32 coefficients."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vocoder.dialects.dialect import Dialect, ModuleNames, block_sizes, known, size
from vocoder.dialects.fields import Fields
from vocoder.errors import InputError
from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.coqui_settings import check_statistics_settings, coqui_mel
from vocoder.front_ends.coqui_statistics import CoquiStatistics
from vocoder.network import NetworkConfig, Quirks, downsample_nearest, upsample_nearest
from vocoder.reverse import Array, Coefficients, ReverseProcess

POSITION_SCALE = 5000.0
STATISTICS = "mel statistics"  # the key under which a configuration carries its CoquiStatistics

_DEFAULT_MODEL = {
    "in_channels": 80,
    "y_conv_channels": 32,
    "x_conv_channels": 768,
    "dblock_out_channels": [128, 128, 256, 512],
    "ublock_out_channels": [512, 512, 256, 128, 128],
    "upsample_factors": [4, 4, 4, 2, 2],
    "upsample_dilations": [[1, 2, 1, 2], [1, 2, 1, 2], [1, 2, 4, 8], [1, 2, 4, 8], [1, 2, 4, 8]],
}


def encode_noise(noise_level: Tensor, channels: int, length: int, first: int = 0) -> Tensor:
    """Returns the level plus a sinusoidal encoding of the position over 5000: [batch, channels, 1, length].

    `first` is the position of the first sample.
    """
    position = torch.arange(first, first + length, dtype=torch.float32, device=noise_level.device)
    even = torch.arange(0, channels, 2, dtype=torch.float32, device=noise_level.device)
    angle = position[None] / torch.pow(10000, even / channels)[:, None]
    encoding = torch.stack([angle.sin(), angle.cos()], dim=1).flatten(0, 1)[:channels] / POSITION_SCALE
    return noise_level.float()[:, None, None, None] + encoding[None, :, None]


def coefficients(betas: Array) -> Coefficients:
    """Computes the cumulative product in float64, the rest in float32, as its `compute_noise_level` does."""
    alpha64 = 1 - betas
    alpha = torch.from_numpy(alpha64.astype(np.float32))
    beta = torch.from_numpy(betas.astype(np.float32))
    a = torch.from_numpy(np.cumprod(alpha64).astype(np.float32))
    sigma = ((1.0 - a[:-1]) / (1.0 - a[1:]) * beta[1:]) ** 0.5
    return Coefficients(
        noise_level=torch.from_numpy((np.cumprod(alpha64) ** 0.5).astype(np.float32)),
        y_gain=1 / alpha**0.5,
        eps_gain=(1 - alpha) / (1 - a) ** 0.5,
        sigma=torch.cat([torch.zeros(1), sigma]),
    )


def network_config(config: dict[str, Any]) -> NetworkConfig:
    """Reads the sizes from model_params of its configuration.

    InputError for sizes that coqui's own network cannot run: its FiLM blocks take the channels of the downsampling
    blocks from ublock_out_channels.
    """
    model = Fields({**_DEFAULT_MODEL, **config.get("model_params", {})}, "model_params")
    down, up = model.integers("dblock_out_channels"), model.integers("ublock_out_channels")
    if up and down != up[:0:-1]:
        raise InputError(
            "model_params.dblock_out_channels must be ublock_out_channels read backwards without its first, "
            f"{list(up[:0:-1])}, and is {list(down)}: coqui's own network runs no others; correct one of them"
        )
    return NetworkConfig(
        n_mels=model.integer("in_channels"),
        factors=model.integers("upsample_factors"),
        mel_channels=model.integer("x_conv_channels"),
        up_channels=up,
        up_dilations=model.integer_rows("upsample_dilations"),
        signal_channels=model.integer("y_conv_channels"),
        down_channels=down,
        down_dilations=((1, 2, 4),) * len(down),
    )


def front_end(config: dict[str, Any]) -> CoquiMel:
    """Reads the front end from the audio section, with its mel statistics where it names any."""
    audio, statistics = config.get("audio", {}), config.get(STATISTICS)
    if not isinstance(statistics, CoquiStatistics):
        return coqui_mel(audio)
    check_statistics_settings(audio, statistics.audio_config)
    return coqui_mel(audio, mel_mean=statistics.mel_mean, mel_std=statistics.mel_std)


def inferred(state: Mapping[str, Tensor]) -> dict[str, dict[str, Any]]:
    """Returns the settings that the shapes of the tensors show."""
    model = known(
        in_channels=size(state, "x_conv.weight", 1),
        x_conv_channels=size(state, "x_conv.weight"),
        y_conv_channels=size(state, "y_conv.weight"),
        ublock_out_channels=block_sizes(state, "ublocks.{}.res_block.weight"),
        dblock_out_channels=block_sizes(state, "dblocks.{}.res_block.weight"),
    )
    return {"model_params": model, "audio": known(num_mels=size(state, "x_conv.weight", 1))}


def module_names(config: NetworkConfig) -> ModuleNames:
    """Returns our modules' names -> its modules' names."""
    names: ModuleNames = {"mel": ("x_conv",), "signal": ("y_conv",), "output": ("out_conv",)}
    for i in range(len(config.up_channels)):
        names[f"film.{i}.signal"] = (f"film.{i}.input_conv",)
        names[f"film.{i}.shift_and_scale"] = (f"film.{i}.output_conv",)
        names[f"up.{i}.residual"] = (f"ublocks.{i}.res_block",)
        for j, theirs in enumerate(("main_block.0", "main_block.1", "out_block.0", "out_block.1")):
            names[f"up.{i}.convolutions.{j}"] = (f"ublocks.{i}.{theirs}",)
    for i in range(len(config.down_channels)):
        names[f"down.{i}.residual"] = (f"dblocks.{i}.res_block",)
        for j in range(3):
            names[f"down.{i}.convolutions.{j}"] = (f"dblocks.{i}.main_block.{j}",)
    return names


COQUI = Dialect(
    name="coqui",
    quirks=Quirks(upsample_nearest, downsample_nearest, encode_noise),
    reverse=ReverseProcess("coqui", coefficients, clamp_x0=False, clamp_y=True),
    network_config=network_config,
    front_end=front_end,
    module_names=module_names,
    mark="ublocks.0.res_block",
    sections=("model_params", "audio"),
    demanded={
        "model_params": ("upsample_factors", "upsample_dilations"),
        "audio": ("sample_rate", "fft_size", "hop_length", "mel_fmin", "mel_fmax"),
    },
    has_defaults=True,
    inferred=inferred,
    size_settings="audio.hop_length, audio.num_mels and model_params.upsample_factors",
    config_key="config",
)
