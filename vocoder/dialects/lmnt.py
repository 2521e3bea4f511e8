"""lmnt-com/wavegrad: nearest interpolation, y clamped after each step, coefficients in float64."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vocoder.dialects.dialect import Dialect, ModuleNames
from vocoder.dialects.fields import Fields
from vocoder.front_ends.mel import LmntMel
from vocoder.network import NetworkConfig, Quirks, downsample_nearest, upsample_nearest
from vocoder.reverse import Array, Coefficients, ReverseProcess

_NETWORK = NetworkConfig(  # written out in its model.py: one fixed size, 15.8M parameters
    n_mels=128,
    factors=(5, 5, 3, 2, 2),
    mel_channels=768,
    up_channels=(512, 512, 256, 128, 128),
    up_dilations=((1, 2, 1, 2), (1, 2, 1, 2), (1, 2, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8)),
    signal_channels=32,
    down_channels=(128, 128, 256, 512),
    down_dilations=((1, 2, 4),) * 4,
)


def encode_noise(noise_level: Tensor, channels: int, length: int, first: int = 0) -> Tensor:
    """Sinusoids of the noise level itself at frequencies exp(-ln(1e4) i / half): [batch, channels, 1, 1]."""
    half = channels // 2
    steps = torch.arange(half, dtype=torch.float32, device=noise_level.device) / half
    angle = noise_level.float()[:, None] * torch.exp(-np.log(1e4) * steps)[None]
    return torch.cat([angle.sin(), angle.cos()], dim=-1)[:, :, None, None]


def coefficients(betas: Array) -> Coefficients:
    """c1, c2 and sigma in float64 as its `predict` has them (1 - beta, not log1p); only the level is cast."""
    alpha = 1 - betas
    a = np.cumprod(alpha)
    before = np.concatenate([[1.0], a[:-1]])
    return Coefficients(
        noise_level=torch.from_numpy(a**0.5).float(),
        y_gain=torch.from_numpy(1 / alpha**0.5),
        eps_gain=torch.from_numpy((1 - alpha) / (1 - a) ** 0.5),
        sigma=torch.from_numpy(((1.0 - before) / (1.0 - a) * betas) ** 0.5),
    )


def network_config(config: dict[str, Any]) -> NetworkConfig:
    """The one size its code has; nothing in the configuration changes it."""
    return _NETWORK


def front_end(config: dict[str, Any]) -> LmntMel:
    """From the params that its checkpoints carry; the defaults are those of its params.py."""
    params = Fields(config, "params")
    return LmntMel(
        sample_rate=params.integer("sample_rate", 22050), hop_length=params.integer("hop_samples", 300)
    )


def module_names(config: NetworkConfig) -> ModuleNames:
    """Our modules' names -> its modules' names."""
    names: ModuleNames = {"mel": ("first_conv",), "signal": ("downsample.0",), "output": ("last_conv",)}
    for i in range(len(config.up_channels)):
        names[f"film.{i}.signal"] = (f"film.{i}.input_conv",)
        names[f"film.{i}.shift_and_scale"] = (f"film.{i}.output_conv",)
        names[f"up.{i}.residual"] = (f"upsample.{i}.block1",)
        for j, theirs in enumerate(("block2.0", "block2.1", "block3.0", "block3.1")):
            names[f"up.{i}.convolutions.{j}"] = (f"upsample.{i}.{theirs}",)
    for i in range(len(config.down_channels)):
        names[f"down.{i}.residual"] = (f"downsample.{i + 1}.residual_dense",)
        for j in range(3):
            names[f"down.{i}.convolutions.{j}"] = (f"downsample.{i + 1}.conv.{j}",)
    return names


LMNT = Dialect(
    name="lmnt",
    quirks=Quirks(upsample_nearest, downsample_nearest, encode_noise),
    reverse=ReverseProcess("lmnt", coefficients, clamp_x0=False, clamp_y=True),
    network_config=network_config,
    front_end=front_end,
    module_names=module_names,
    is_buffer=lambda name: False,
)
