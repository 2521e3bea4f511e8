"""Describes a dialect: everything in which one public implementation differs from another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from vocoder.network import NetworkConfig, Quirks
from vocoder.reverse import ReverseProcess

ModuleNames = dict[str, tuple[str, ...]]  # our module -> their modules, joined along the output channels

Config = Mapping[str, Any]


class FrontEnd(Protocol):
    """audio [clip, samples] -> mel [clip, n_mels, samples // hop_length]."""

    @property
    def sample_rate(self) -> int: ...

    @property
    def hop_length(self) -> int: ...

    @property
    def n_mels(self) -> int: ...

    @property
    def log_units(self) -> tuple[float, ...]:
        """Returns factors [n_mels] that turn differences of its mel into natural-log units of power."""

    def __call__(self, audio: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Dialect:
    """Holds one implementation's names, network quirks, front end and sampler arithmetic, and how its files look."""

    name: str
    quirks: Quirks
    reverse: ReverseProcess
    network_config: Callable[[dict[str, Any]], NetworkConfig]
    front_end: Callable[[dict[str, Any]], FrontEnd]
    module_names: Callable[[NetworkConfig], ModuleNames]
    mark: str  # a key that begins so is in its state dicts alone
    sections: tuple[str, ...]  # of its configuration, those that concern us
    demanded: Mapping[str, tuple[str, ...]]  # section -> settings that the tensors' shapes do not show
    has_defaults: bool  # whether its own code fills in settings that a configuration leaves out
    inferred: Callable[[Mapping[str, Tensor]], dict[str, dict[str, Any]]]  # settings that the shapes show, by section
    size_settings: str  # where a configuration has hop, mel count and factors
    config_key: str = ""  # where its checkpoints carry their configuration; "" where they carry none
    is_buffer: Callable[[str], bool] = lambda name: False  # whether a state dict's entry is a schedule's, not a weight
    remark: Callable[[NetworkConfig], str] = lambda config: ""  # what its own code needs to load such a network

    @property
    def reason(self) -> str:
        """Says to the user how the dialect was recognised."""
        return f"{self.name}: keys begin with {self.mark}"

    @property
    def size_advice(self) -> str:
        """Says how to correct hop, mel count or factors, wherever they come from."""
        return f"give CONFIG=FILE, which wins, with the right {self.size_settings}"


def size(state: Mapping[str, Tensor], weight: str, axis: int = 0) -> int | None:
    """Returns a convolution's output (axis 0) or input (axis 1) channels, if `state` has its weight [out, in, k]."""
    tensor = state.get(weight)
    return None if tensor is None or tensor.ndim != 3 else tensor.shape[axis]


def block_sizes(state: Mapping[str, Tensor], weight: str, *, first: int = 0) -> list[int]:
    """Returns output channels of the blocks numbered from `first` until one is missing; `weight` has {} for it."""
    sizes: list[int] = []
    while (channels := size(state, weight.format(first + len(sizes)))) is not None:
        sizes.append(channels)
    return sizes


def known(**sizes: list[int] | int | None) -> dict[str, Any]:
    """Returns the sizes that are not None or empty."""
    return {name: size for name, size in sizes.items() if size}
