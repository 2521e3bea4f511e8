"""lmnt-com/wavegrad: nearest interpolation, y clamped after each step, coefficients in float64."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vocoder.dialects.dialect import Dialect, ModuleNames, block_sizes, known, size
from vocoder.dialects.fields import Fields
from vocoder.front_ends.lmnt import LmntMel
from vocoder.network import NetworkConfig, Quirks, downsample_nearest, upsample_nearest
from vocoder.reverse import Array, Coefficients, ReverseProcess

# Written out in its model.py, which has this one size (15.8M parameters) and reads no other from a file.
_OWN_SIZE: dict[str, Any] = {
    "n_mels": 128,
    "factors": [5, 5, 3, 2, 2],
    "mel_channels": 768,
    "up_channels": [512, 512, 256, 128, 128],
    "up_dilations": [[1, 2, 1, 2], [1, 2, 1, 2], [1, 2, 4, 8], [1, 2, 4, 8], [1, 2, 4, 8]],
    "signal_channels": 32,
    "down_channels": [128, 128, 256, 512],
}
NETWORK = "network"  # in params: a table of sizes, by the keys above, of a network that its model.py was edited for


def encode_noise(noise_level: Tensor, channels: int, length: int, first: int = 0) -> Tensor:
    """Returns sinusoids of the noise level itself at frequencies exp(-ln(1e4) i / half): [batch, channels, 1, 1]."""
    half = channels // 2
    steps = torch.arange(half, dtype=torch.float32, device=noise_level.device) / half
    angle = noise_level.float()[:, None] * torch.exp(-np.log(1e4) * steps)[None]
    return torch.cat([angle.sin(), angle.cos()], dim=-1)[:, :, None, None]


def coefficients(betas: Array) -> Coefficients:
    """Computes c1, c2 and sigma in float64 as its `predict` does (1 - beta, not log1p); only the level is cast."""
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
    """Returns the one size of its code, unless params["network"] names others."""
    sizes = Fields({**_OWN_SIZE, **config.get(NETWORK, {})}, f"params.{NETWORK}")
    down = sizes.integers("down_channels")
    return NetworkConfig(
        n_mels=sizes.integer("n_mels"),
        factors=sizes.integers("factors"),
        mel_channels=sizes.integer("mel_channels"),
        up_channels=sizes.integers("up_channels"),
        up_dilations=sizes.integer_rows("up_dilations"),
        signal_channels=sizes.integer("signal_channels"),
        down_channels=down,
        down_dilations=((1, 2, 4),) * len(down),
    )


def front_end(config: dict[str, Any]) -> LmntMel:
    """Reads the front end from the params in its checkpoints; the defaults are those of its params.py."""
    params = Fields(config, "params")
    return LmntMel(
        sample_rate=params.integer("sample_rate", 22050),
        hop_length=params.integer("hop_samples", 300),
        n_mels=network_config(config).n_mels,
    )


def inferred(state: Mapping[str, Tensor]) -> dict[str, dict[str, Any]]:
    """Returns the sizes that the shapes of the tensors show."""
    sizes = known(
        n_mels=size(state, "first_conv.weight", 1),
        mel_channels=size(state, "first_conv.weight"),
        up_channels=block_sizes(state, "upsample.{}.block1.weight"),
        signal_channels=size(state, "downsample.0.weight"),
        down_channels=block_sizes(state, "downsample.{}.residual_dense.weight", first=1),
    )
    return {NETWORK: sizes}


def remark(config: NetworkConfig) -> str:
    """Says what must be done to load a network in its own code."""
    return "" if config == network_config({}) else "lmnt's own model.py has another size: edit it to load this network"


def module_names(config: NetworkConfig) -> ModuleNames:
    """Returns our modules' names -> its modules' names."""
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
    mark="upsample.0.block1",
    sections=("sample_rate", "hop_samples"),
    demanded={NETWORK: ()},  # its code has one size of network, and takes rate and hop from params.py
    has_defaults=True,
    inferred=inferred,
    size_settings="sample_rate, hop_samples, network.n_mels, network.factors and network.up_dilations",
    config_key="params",
    remark=remark,
)
