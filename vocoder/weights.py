"""Moves weights between a public state dict and our network: every tensor must find its place."""

import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vocoder.dialects.dialect import Dialect, ModuleNames
from vocoder.errors import InputError
from vocoder.network import NetworkConfig, WaveGradNetwork

StateDict = Mapping[str, Tensor]
_SHOWN = 4  # names listed in a message before "and N more"


def network_from(state: StateDict, dialect: Dialect, config: NetworkConfig) -> WaveGradNetwork:
    """Returns a frozen network (eval mode, no gradients) with `state`; InputError names what does not fit."""
    with torch.device("meta"):
        network = WaveGradNetwork(config, dialect.quirks)
    names = dialect.module_names(config)
    state = {name: tensor for name, tensor in state.items() if not dialect.is_buffer(name)}
    _check_places(state, _expected_shapes(network, names), dialect.name)
    network.load_state_dict(_imported(state, names), assign=True)
    return freeze(network)


def freeze(network: WaveGradNetwork) -> WaveGradNetwork:
    """Sets eval mode, no gradients, float32 and channels-last memory; returns the network."""
    network.requires_grad_(False).eval()
    return network.float().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def exported_state(network: WaveGradNetwork, dialect: Dialect) -> dict[str, Tensor]:
    """Returns the network's weights under the dialect's own names and shapes [out, in, k]."""
    exported = {}
    for ours, theirs in dialect.module_names(network.config).items():
        layer = network.get_submodule(ours)
        weights = layer.weight.detach()[:, :, 0].chunk(len(theirs))  # type: ignore[operator]
        biases = layer.bias.detach().chunk(len(theirs))  # type: ignore[operator]
        for name, weight, bias in zip(theirs, weights, biases, strict=True):
            exported[f"{name}.weight"] = weight.contiguous()
            exported[f"{name}.bias"] = bias.clone()
    return exported


def weights_hash(network: WaveGradNetwork) -> str:
    """Returns a SHA-256 that changes with any weight, any dilation and the order of the factors.

    It is taken over names and float32 bytes of all parameters, and over the settings that no shape shows.
    """
    digest = hashlib.sha256(_unusual(network.config))
    for name, parameter in sorted(network.named_parameters()):
        digest.update(name.encode())
        digest.update(parameter.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _unusual(config: NetworkConfig) -> bytes:
    """Returns b"" for the dilations and factors that all three implementations have by default.

    The hash of such a network is that of its weights alone. Factors from 2 to 5 that fall are the only ones of their
    hop and number of blocks; of larger ones there are several.
    """
    up = ((1, 2, 1, 2),) * (len(config.factors) - 3) + ((1, 2, 4, 8),) * 3
    actual = (config.factors, config.up_dilations, config.down_dilations)
    usual = (tuple(sorted(config.factors, reverse=True)), up, ((1, 2, 4),) * len(config.down_dilations))
    only_one = 2 <= min(config.factors) and max(config.factors) <= 5
    return b"" if actual == usual and only_one else repr(actual).encode()


def plain_weights(state: StateDict, dialect: Dialect) -> dict[str, Tensor]:
    """Returns the weights as float32 without weight norm or buffers; InputError for a tensor of other kinds."""
    weights = {name: tensor for name, tensor in state.items() if not dialect.is_buffer(name)}
    return without_weight_norm({name: _as_float32(name, tensor) for name, tensor in weights.items()})


def check_finite(network: WaveGradNetwork, dialect: Dialect) -> None:
    """Raises InputError, with the tensor's name in the checkpoint, for NaN or infinity among the weights."""
    for ours, theirs in dialect.module_names(network.config).items():
        for name, parameter in network.get_submodule(ours).named_parameters():
            if not parameter.isfinite().all():
                raise InputError(
                    f"{' or '.join(f'{their}.{name}' for their in theirs)} holds NaN or infinity; "
                    "give an earlier checkpoint: this one's training has diverged"
                )


def without_weight_norm(state: StateDict) -> dict[str, Tensor]:
    """Folds weight norm, in torch's old (weight_g, weight_v) and new (parametrizations) names, into weights.

    w = g v / ||v||, the norm over all but the output channels (Salimans & Kingma 2016).
    """
    folded = dict(state)
    for gain_end, direction_end in (
        (".parametrizations.weight.original0", ".parametrizations.weight.original1"),
        (".weight_g", ".weight_v"),
    ):
        stems = [name.removesuffix(gain_end) for name in folded if name.endswith(gain_end)]
        for stem in (stem for stem in stems if _is_pair(folded, stem + gain_end, stem + direction_end)):
            gain, direction = folded.pop(stem + gain_end), folded.pop(stem + direction_end)
            norm = direction.flatten(1).norm(dim=1).reshape(-1, *[1] * (direction.ndim - 1))
            folded[stem + ".weight"] = gain * direction / norm
    return folded


def _is_pair(state: StateDict, gain: str, direction: str) -> bool:
    v = state.get(direction)
    return v is not None and v.ndim > 1 and tuple(state[gain].shape) == (len(v), *[1] * (v.ndim - 1))


def _as_float32(name: str, tensor: Tensor) -> Tensor:
    plain = tensor.layout == torch.strided and not tensor.is_meta and not tensor.is_quantized
    if not plain or not tensor.is_floating_point():
        raise InputError(f"{name} must hold plain real numbers, and is {tensor.dtype}; save it as float32")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise InputError(f"{name} claims more numbers than the file holds; save it as a contiguous tensor")
    return tensor.float()


def _imported(state: StateDict, names: ModuleNames) -> dict[str, Tensor]:
    imported = {}
    for ours, theirs in names.items():
        weight = torch.cat([state[f"{name}.weight"] for name in theirs])
        imported[f"{ours}.weight"] = weight[:, :, None].float()
        imported[f"{ours}.bias"] = torch.cat([state[f"{name}.bias"] for name in theirs]).float()
    return imported


def _expected_shapes(network: WaveGradNetwork, names: ModuleNames) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for ours, theirs in names.items():
        layer = network.get_submodule(ours)
        rows, columns, _, width = layer.weight.shape  # type: ignore[misc]
        for name in theirs:
            shapes[f"{name}.weight"] = (rows // len(theirs), columns, width)
            shapes[f"{name}.bias"] = (rows // len(theirs),)
    return shapes


def _check_places(state: StateDict, shapes: Mapping[str, tuple[int, ...]], dialect: str) -> None:
    wrong = [
        f"{name} {list(state[name].shape)}, expected {list(shape)}"
        for name, shape in shapes.items()
        if name in state and tuple(state[name].shape) != shape
    ]
    complaints = [
        f"{what}: {_listed(names)}"
        for what, names in (
            ("missing", [name for name in shapes if name not in state]),
            ("unexpected", [name for name in state if name not in shapes]),
            ("wrong shape", wrong),
        )
        if names
    ]
    if complaints:
        raise InputError(
            f"every tensor of the checkpoint ({dialect}) must find its place; {'; '.join(complaints)}; "
            "give the configuration it was trained with"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
