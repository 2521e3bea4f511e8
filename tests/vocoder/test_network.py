"""The network equals a plain Conv1d execution, knows no batch mates, and its weights travel unchanged."""

import copy
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vocoder.dialects.coqui import COQUI
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.network import (
    NetworkConfig,
    WaveGradNetwork,
    downsample_linear,
    downsample_nearest,
    upsample_linear,
    upsample_nearest,
)
from vocoder.weights import exported_state, freeze, network_from, weights_hash

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
FRAMES = 7
DIALECTS = (IVANVOVK, LMNT, COQUI)


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param


def small_network(dialect: Dialect, seed: int = 0) -> WaveGradNetwork:
    """Every weight and bias random: zero biases would hide a misplaced one."""
    network = WaveGradNetwork(SMALL, dialect.quirks)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=parameter[0].numel() ** -0.5, generator=random)
    return freeze(network)


def inputs(batch: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    y = torch.randn(batch, FRAMES * SMALL.hop_length, generator=random)
    mel = torch.randn(batch, SMALL.n_mels, FRAMES, generator=random)
    return y, mel, torch.linspace(0.2, 0.99, batch)


def plain_execution(
    network: WaveGradNetwork, dialect: Dialect, y: Tensor, mel: Tensor, level: Tensor
) -> Tensor:
    """Chen et al. 2020, figures 1 to 3, in Conv1d on contiguous [B, channels, T], as drawn there."""
    mode, corners = ("linear", False) if dialect is IVANVOVK else ("nearest", None)

    def conv(name: str, x: Tensor, dilation: int = 1) -> Tensor:
        layer = network.get_submodule(name)
        assert isinstance(layer, nn.Conv2d)
        weight = layer.weight[:, :, 0].contiguous()
        padding = dilation * (weight.shape[-1] - 1) // 2
        return F.conv1d(x, weight, layer.bias, padding=padding, dilation=dilation)

    def resized(x: Tensor, length: int) -> Tensor:
        return F.interpolate(x, size=length, mode=mode, align_corners=corners)

    def act(x: Tensor) -> Tensor:
        return F.leaky_relu(x, 0.2)

    def film(i: int, x: Tensor) -> list[Tensor]:
        encoding = dialect.quirks.encode_noise(level, x.shape[1], x.shape[2])[:, :, 0]
        both = conv(f"film.{i}.shift_and_scale", act(conv(f"film.{i}.signal", x)) + encoding)
        return list(both.split(both.shape[1] // 2, dim=1))

    config = network.config
    x = conv("signal", y[:, None])
    modulation = [film(0, x)]
    for i, factor in enumerate(reversed(config.factors[1:])):
        length = x.shape[2] // factor
        main = resized(x, length)
        for j, dilation in enumerate(config.down_dilations[i]):
            main = conv(f"down.{i}.convolutions.{j}", act(main), dilation)
        x = main + resized(conv(f"down.{i}.residual", x), length)
        modulation.append(film(i + 1, x))
    x = conv("mel", mel)
    for i, (factor, dilations) in enumerate(zip(config.factors, config.up_dilations, strict=True)):
        shift, scale = modulation.pop()
        length = x.shape[2] * factor
        main = conv(f"up.{i}.convolutions.0", resized(act(x), length), dilations[0])
        main = conv(f"up.{i}.convolutions.1", act(scale * main + shift), dilations[1])
        x = main + conv(f"up.{i}.residual", resized(x, length))
        main = conv(f"up.{i}.convolutions.2", act(scale * x + shift), dilations[2])
        x = x + conv(f"up.{i}.convolutions.3", act(scale * main + shift), dilations[3])
    return conv("output", x)[:, 0]


def test_the_network_equals_a_plain_conv1d_execution(dialect: Dialect) -> None:
    network = small_network(dialect)
    y, mel, level = inputs()
    expected = plain_execution(network, dialect, y, mel, level)
    tolerance = 1e-5 * float(expected.abs().max())
    torch.testing.assert_close(network(y, mel, level), expected, rtol=1e-4, atol=tolerance)


def test_output_is_independent_of_batch_mates(dialect: Dialect) -> None:
    network = small_network(dialect)
    y, mel, level = inputs()
    together = network(y, mel, level)
    for i in range(len(y)):
        alone = network(y[i : i + 1], mel[i : i + 1], level[i : i + 1])
        torch.testing.assert_close(alone[0], together[i], rtol=1e-4, atol=1e-5 * float(together.abs().max()))


def test_every_input_matters(dialect: Dialect) -> None:
    network = small_network(dialect)
    y, mel, level = inputs()
    eps = network(y, mel, level)
    for changed in ((y + 0.1, mel, level), (y, mel + 0.1, level), (y, mel, level - 0.1)):
        assert float((network(*changed) - eps).abs().max()) > 1e-4 * float(eps.abs().max())


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("ours", "mode", "up"),
    [
        (upsample_linear, "linear", True),
        (downsample_linear, "linear", False),
        (upsample_nearest, "nearest", True),
        (downsample_nearest, "nearest", False),
    ],
)
def test_resampling_equals_torchs_interpolation(ours, mode: str, up: bool, factor: int) -> None:
    x = torch.randn(2, 3, 120, generator=torch.Generator().manual_seed(factor))
    length = x.shape[-1] * factor if up else x.shape[-1] // factor
    expected = F.interpolate(x, size=length, mode=mode, align_corners=False if mode == "linear" else None)
    torch.testing.assert_close(ours(x[:, :, None], factor)[:, :, 0], expected, rtol=1e-6, atol=1e-6)


def test_a_loaded_network_is_frozen(dialect: Dialect) -> None:
    network = network_from(exported_state(small_network(dialect), dialect), dialect, SMALL)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not network(*inputs()).requires_grad


def test_exported_weights_come_back_identical(dialect: Dialect) -> None:
    network = small_network(dialect)
    back = network_from(exported_state(network, dialect), dialect, SMALL)
    assert weights_hash(back) == weights_hash(network)
    assert torch.equal(back(*inputs()), network(*inputs()))


def single_changes(network: WaveGradNetwork) -> Iterator[WaveGradNetwork]:
    """Copies of the network with one number changed by its smallest step, in each tensor in turn."""
    for name, _ in network.named_parameters():
        changed = copy.deepcopy(network)
        last = changed.get_parameter(name).data.flatten()[-1:]
        changed.get_parameter(name).data[(-1,) * changed.get_parameter(name).ndim] = torch.nextafter(
            last, torch.tensor([9.0])
        )[0]
        yield changed


def test_the_hash_changes_when_one_weight_changes() -> None:
    network = small_network(IVANVOVK)
    hashes = {weights_hash(changed) for changed in single_changes(network)}
    assert weights_hash(network) not in hashes
    assert len(hashes) == len(list(network.parameters()))


@pytest.mark.parametrize(
    "changed",
    [
        {"up_dilations": ((1, 1, 1, 1),) * 3},
        {"down_dilations": ((1, 2, 4), (1, 1, 1))},
        {"factors": (3, 5, 2)},
    ],
)
def test_the_hash_changes_with_what_no_weight_tells(changed) -> None:
    network = small_network(IVANVOVK)
    state = exported_state(network, IVANVOVK)
    other = network_from(state, IVANVOVK, replace(SMALL, **changed))
    assert not torch.equal(other(*inputs()), network(*inputs()))
    assert weights_hash(other) != weights_hash(network)


def test_factors_that_fall_have_hashes_of_their_own_where_a_hop_has_several() -> None:
    state = exported_state(small_network(IVANVOVK), IVANVOVK)
    hashes = {
        weights_hash(network_from(state, IVANVOVK, replace(SMALL, factors=factors, up_dilations=((1, 2, 4, 8),) * 3)))
        for factors in ((4, 4, 2), (8, 2, 2))  # a hop of 32 samples
    }
    assert len(hashes) == 2


def test_the_hash_of_the_usual_plan_is_that_of_the_weights_alone() -> None:
    usual = replace(SMALL, up_dilations=((1, 2, 4, 8),) * 3)
    network = network_from(exported_state(small_network(IVANVOVK), IVANVOVK), IVANVOVK, usual)
    digest = hashlib.sha256()
    for name, parameter in sorted(network.named_parameters()):
        digest.update(name.encode() + parameter.contiguous().numpy().tobytes())
    assert weights_hash(network) == digest.hexdigest()


def test_the_hash_does_not_depend_on_memory_layout() -> None:
    network = small_network(IVANVOVK)
    plain = copy.deepcopy(network)
    for parameter in plain.parameters():
        parameter.data = parameter.data.contiguous()
    assert weights_hash(plain) == weights_hash(network)


def test_golden_keys_are_those_we_export(golden_folder: Path) -> None:
    """ivanvovk's own state dict, less its schedule buffers, has exactly the names that we write."""
    path = golden_folder / "ivanvovk_tiny.pt"
    if not path.exists():
        pytest.skip(f"no {path.name} in this folder")
    theirs = torch.load(path, weights_only=True)["model"]
    names = {name for name in theirs if not IVANVOVK.is_buffer(name)}
    blocks = len({name.split(".")[2] for name in names if name.startswith("nn.ublocks.")})
    config = NetworkConfig(
        n_mels=2,
        factors=(2,) * blocks,
        mel_channels=2,
        up_channels=(2,) * blocks,
        up_dilations=((1, 1, 1, 1),) * blocks,
        signal_channels=2,
        down_channels=(2,) * (blocks - 1),
        down_dilations=((1, 2, 4),) * (blocks - 1),
    )
    assert set(exported_state(WaveGradNetwork(config, IVANVOVK.quirks), IVANVOVK)) == names
