"""What a dialect is: all in which one public implementation differs from another, as values and functions."""

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
        """[n_mels]: what turns differences of its mel into natural-log units of power."""

    def __call__(self, audio: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Dialect:
    """One implementation's names, network quirks, front end and sampler arithmetic."""

    name: str
    quirks: Quirks
    reverse: ReverseProcess
    network_config: Callable[[dict[str, Any]], NetworkConfig]
    front_end: Callable[[dict[str, Any]], FrontEnd]
    module_names: Callable[[NetworkConfig], ModuleNames]
    is_buffer: Callable[[str], bool]  # entries of a state dict that are no weights (schedule buffers)


def size(state: Mapping[str, Tensor], weight: str, axis: int = 0) -> int | None:
    """A convolution's output (axis 0) or input (axis 1) channels, if `state` has its weight [out, in, k]."""
    found = state.get(weight)
    return None if found is None or found.ndim != 3 else found.shape[axis]


def block_sizes(state: Mapping[str, Tensor], weight: str) -> list[int]:
    """Output channels of the numbered blocks, until a number is missing; `weight` has {} for the number."""
    sizes: list[int] = []
    while (channels := size(state, weight.format(len(sizes)))) is not None:
        sizes.append(channels)
    return sizes


def known(**sizes: list[int] | int | None) -> dict[str, Any]:
    """Those that the tensors did show."""
    return {name: found for name, found in sizes.items() if found}
