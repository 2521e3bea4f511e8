"""ivanvovk/WaveGrad: linear interpolation, x0 clamped at each step, coefficients formed in float32."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vocoder.dialects.dialect import Dialect, ModuleNames, block_sizes, known, size
from vocoder.dialects.fields import Fields
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.network import NetworkConfig, Quirks, downsample_linear, upsample_linear
from vocoder.reverse import Array, Coefficients, ReverseProcess

SIGNAL_CHANNELS = 32  # hard-coded in its network: film_in_sizes = [32] + ...
LINEAR_SCALE = 5000.0

_DEFAULT_MODEL = {
    "factors": [5, 5, 3, 2, 2],
    "upsampling_preconv_out_channels": 768,
    "upsampling_out_channels": [512, 512, 256, 128, 128],
    "upsampling_dilations": [[1, 2, 1, 2], [1, 2, 1, 2], [1, 2, 4, 8], [1, 2, 4, 8], [1, 2, 4, 8]],
    "downsampling_preconv_out_channels": SIGNAL_CHANNELS,
    "downsampling_out_channels": [128, 128, 256, 512],
    "downsampling_dilations": [[1, 2, 4], [1, 2, 4], [1, 2, 4], [1, 2, 4]],
}


def encode_noise(noise_level: Tensor, channels: int, length: int, first: int = 0) -> Tensor:
    """Returns sinusoids of 5000 * noise_level at frequencies 1e-4 ** (i / half): [batch, channels, 1, 1]."""
    half = channels // 2
    exponents = torch.arange(half, dtype=torch.float32, device=noise_level.device) / float(half)
    angle = LINEAR_SCALE * noise_level.float()[:, None] * (1e-4**exponents)[None]
    return torch.cat([angle.sin(), angle.cos()], dim=-1)[:, :, None, None]


def coefficients(betas: Array) -> Coefficients:
    """Computes all coefficients in float32 from the clean end, as its `set_new_noise_schedule` does.

    With beta_0 = 1e-6, float32's 1 - a_0 is off by 1.3 % and the last step scales the audio by 0.987. That
    repository's users hear it so.
    """
    b = torch.from_numpy(betas.astype(np.float32))
    alphas = 1 - b
    a = alphas.cumprod(dim=0)
    a_before = torch.cat([torch.ones(1), a[:-1]])
    variance = b * (1 - a_before) / (1 - a)
    sigma = (0.5 * variance.clamp(min=1e-20).log()).exp()
    sigma[0] = 0.0  # its last step draws no noise
    return Coefficients(
        noise_level=_sqrt(a),
        y_gain=_sqrt(1 / a),
        eps_gain=_sqrt(1 - a) * _sqrt(1 / a),
        sigma=sigma,
        x0_gain=b * _sqrt(a_before) / (1 - a),
        x0_y_gain=(1 - a_before) * _sqrt(alphas) / (1 - a),
    )


def _sqrt(x: Tensor) -> Tensor:
    """Returns the correctly rounded root on every processor.

    torch.sqrt goes through MKL, which often misses the last bit on AMD. The network gets sinusoids of
    5000 * noise_level: that bit moved the audio by 1e-3.
    """
    return torch.from_numpy(np.sqrt(x.numpy()))


def network_config(config: dict[str, Any]) -> NetworkConfig:
    """Reads the sizes from its JSON configuration (model_config and data_config)."""
    model = Fields(config.get("model_config", _DEFAULT_MODEL), "model_config")
    data = Fields(config.get("data_config", {}), "data_config")
    return NetworkConfig(
        n_mels=data.integer("n_mels", 80),
        factors=model.integers("factors"),
        mel_channels=model.integer("upsampling_preconv_out_channels"),
        up_channels=model.integers("upsampling_out_channels"),
        up_dilations=model.integer_rows("upsampling_dilations"),
        signal_channels=model.integer("downsampling_preconv_out_channels", SIGNAL_CHANNELS),
        down_channels=model.integers("downsampling_out_channels"),
        down_dilations=model.integer_rows("downsampling_dilations"),
    )


def front_end(config: dict[str, Any]) -> IvanvovkMel:
    """Reads the front end from data_config; the defaults are those of its configs/default.json (22.05 kHz).

    Null means what torchaudio's MelSpectrogram takes it for: half the sample rate as f_max, n_fft as win_length.
    """
    data = Fields(config.get("data_config", {}), "data_config")
    sample_rate, n_fft = data.integer("sample_rate", 22050), data.integer("n_fft", 1024)
    win_length, f_max = (data.values.get(key, default) for key, default in (("win_length", None), ("f_max", 8000.0)))
    return IvanvovkMel(
        sample_rate=sample_rate,
        n_fft=n_fft,
        win_length=n_fft if win_length is None else data.integer("win_length"),
        hop_length=data.integer("hop_length", 300),
        f_min=data.number("f_min", 80.0),
        f_max=float(sample_rate // 2) if f_max is None else data.number("f_max", 8000.0),
        n_mels=data.integer("n_mels", 80),
    )


def inferred(state: Mapping[str, Tensor]) -> dict[str, dict[str, Any]]:
    """Returns the settings that the shapes of the tensors show."""
    up = "nn.ublocks.{}.first_block_residual_branch.0.conv1d.weight"
    mel = "nn.ublock_preconv.conv1d.weight"
    model = known(
        upsampling_preconv_out_channels=size(state, mel),
        upsampling_out_channels=block_sizes(state, up),
        downsampling_preconv_out_channels=size(state, "nn.dblock_preconv.conv1d.weight"),
        downsampling_out_channels=block_sizes(state, "nn.dblocks.{}.residual_branch.0.conv1d.weight"),
    )
    return {"model_config": model, "data_config": known(n_mels=size(state, mel, 1))}


def module_names(config: NetworkConfig) -> ModuleNames:
    """Returns our modules' names -> its modules' names; shift comes before scale."""
    names: ModuleNames = {
        "mel": ("nn.ublock_preconv.conv1d",),
        "signal": ("nn.dblock_preconv.conv1d",),
        "output": ("nn.ublock_postconv.conv1d",),
    }
    for i in range(len(config.up_channels)):
        names |= _up_block(i)
        film = f"nn.films.{i}"
        names[f"film.{i}.signal"] = (f"{film}.signal_conv.0.conv1d",)
        names[f"film.{i}.shift_and_scale"] = (f"{film}.shift_conv.conv1d", f"{film}.scale_conv.conv1d")
    for i, dilations in enumerate(config.down_dilations[: len(config.down_channels)]):
        names[f"down.{i}.residual"] = (f"nn.dblocks.{i}.residual_branch.0.conv1d",)
        for j in range(len(dilations)):
            theirs = f"nn.dblocks.{i}.main_branch.{j + 1}.convolution.conv1d"
            names[f"down.{i}.convolutions.{j}"] = (theirs,)
    return names


def _up_block(i: int) -> ModuleNames:
    block = f"nn.ublocks.{i}"
    main = (
        f"{block}.first_block_main_branch.upsampling.2.conv1d",
        f"{block}.first_block_main_branch.modulation.convolution.conv1d",
        f"{block}.second_block_main_branch.modulation_0.convolution.conv1d",
        f"{block}.second_block_main_branch.modulation_1.convolution.conv1d",
    )
    names: ModuleNames = {f"up.{i}.convolutions.{j}": (theirs,) for j, theirs in enumerate(main)}
    return names | {f"up.{i}.residual": (f"{block}.first_block_residual_branch.0.conv1d",)}


IVANVOVK = Dialect(
    name="ivanvovk",
    quirks=Quirks(upsample_linear, downsample_linear, encode_noise),
    reverse=ReverseProcess("ivanvovk", coefficients, clamp_x0=True, clamp_y=False),
    network_config=network_config,
    front_end=front_end,
    module_names=module_names,
    mark="nn.ublocks",
    sections=("model_config", "data_config"),
    demanded={
        "model_config": ("factors", "upsampling_dilations", "downsampling_dilations"),
        "data_config": ("sample_rate", "n_fft", "hop_length", "f_min", "f_max"),
    },
    has_defaults=False,
    inferred=inferred,
    size_settings="data_config.hop_length, data_config.n_mels and model_config.factors",
    is_buffer=lambda name: "." not in name,  # registered on the whole; weights are its modules'
)
