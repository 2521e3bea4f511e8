"""Reads a stranger's checkpoint without running anything it holds: names, tensors, its configuration."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vocoder.dialects.detection import dialect_of, network_prefixes, unwrapped
from vocoder.dialects.dialect import Dialect
from vocoder.errors import InputError, printable
from vocoder.safe_loading.safetensors_file import is_safetensors, load_safetensors
from vocoder.safe_loading.torch_file import PACKED, SPARE, load_torch

SIZE_LIMIT = 4 << 30  # bytes; the base network with its optimiser's state takes 0.2 GiB
NAME_LIMIT = 200  # characters of a tensor's name, or of names that are shown
_USUAL = ("model", "state_dict")  # where a network stands
_CARRYING = ("config", "params", "hyper_parameters")  # where a configuration stands


@dataclass(frozen=True)
class CheckpointFile:
    """Holds what we take from a checkpoint; optimiser, step and scaler beside the model stay behind."""

    state: dict[str, Tensor]
    dialect: Dialect
    wrapper: str  # where the network stands, if not in a usual place, and what was taken off its names: "module."
    config: dict[str, Any]  # coqui's "config", lmnt's "params" or Lightning's; {} where the file carries none


def read_checkpoint(path: Path) -> CheckpointFile:
    """Reads {"model": state dict, ...}, Lightning's {"state_dict": ...}, a bare state dict or safetensors.

    A network that stands elsewhere in the file is read if it is the only one. InputError (one line) for all else.
    """
    _check_size(path)
    content = _content(path)
    if not isinstance(content, Mapping):
        kind = type(content).__name__
        raise InputError(f"{path} holds a {kind}, not a state dict; give a WaveGrad checkpoint")
    place, model, others = _model(content, path)
    tensors = _tensors(model, path)
    _check_numbers(tensors, path)
    try:
        state, wrapper = unwrapped(tensors)
        dialect = dialect_of(state)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    not_taken = f"(not the one below {_shown(', '.join(others))})" if others else ""
    taken_off = " ".join(filter(None, (_shown(place), wrapper, not_taken)))
    return CheckpointFile(state, dialect, taken_off, _carried(content, dialect))


def _carried(content: Mapping[Any, Any], dialect: Dialect) -> dict[str, Any]:
    """Returns the configuration that has most of the dialect's sections: a trainer's own may stand beside it."""
    tables = [_plain(content[key]) for key in _CARRYING if isinstance(content.get(key), Mapping)]
    return max(tables, key=lambda table: sum(section in table for section in dialect.sections), default={})


def _shown(names: str) -> str:
    """Returns names of a stranger's dictionaries as any terminal can show them."""
    return printable(names[:NAME_LIMIT])[:NAME_LIMIT]


def _model(content: Mapping[Any, Any], path: Path) -> tuple[str, Mapping[Any, Any], list[str]]:
    """Returns where the network stands, what stands there and where others do; nothing for a usual place alone.

    InputError for several networks in unusual places.
    """
    networks = dict(_networks(content))
    usual = next((place for place in (*_USUAL, "") if place in networks), None)
    if usual is None and len(networks) > 1:
        places = _shown(", ".join(networks))
        raise InputError(f"{path} holds {len(networks)} networks, below {places}; save one of them alone")
    if networks:
        place = usual if usual is not None else next(iter(networks))
        others = [other for other in networks if other != place]
        return place if others or place != usual else "", networks[place], others
    models = [content[key] for key in _USUAL if isinstance(content.get(key), Mapping)]
    return "", (models or [content])[0], []


def _networks(content: Mapping[Any, Any], place: str = "", depth: int = 3) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """Yields where in nested dicts tensors have the names of a WaveGrad's, and the dict of these tensors."""
    if network_prefixes(str(name) for name, value in content.items() if isinstance(value, Tensor)):
        yield place, content
        return
    for name, part in content.items() if depth else ():
        if isinstance(part, Mapping):
            yield from _networks(part, f"{place}.{name}".removeprefix("."), depth - 1)


def _check_size(path: Path) -> None:
    if os.path.isdir(path):
        raise InputError(f"{path} is a directory; give the checkpoint file in it")
    if not os.path.isfile(path):
        raise InputError(f"there is no checkpoint file {str(path)!r}; correct the path")
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path} is empty; copy or download the checkpoint again")
    if size > SIZE_LIMIT:
        raise InputError(
            f"{path} takes {size} bytes, and a WaveGrad checkpoint at most {SIZE_LIMIT}; give the right file"
        )


def _content(path: Path) -> Any:
    try:
        if is_safetensors(path):
            return load_safetensors(path)
        with path.open("rb") as file:
            return load_torch(file, path.stat().st_size, advice="give a plain state dict, as torch.save writes it")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); mend its rights") from error


def _tensors(state: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    tensors = {str(name): value.detach() for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        deeper = [str(name) for name, value in state.items() if _holds_tensors(value)]
        where = f" but below {_shown(', '.join(deeper))!r}; save one of them alone" if deeper else ""
        raise InputError(f"{path} holds no tensors{where or '; give the checkpoint of a trained WaveGrad'}")
    if any(not name.isprintable() or len(name) > NAME_LIMIT for name in tensors):
        raise InputError(f"{path} has tensor names that no module can have; give a WaveGrad checkpoint")
    return tensors


def _holds_tensors(value: object) -> bool:
    return isinstance(value, Mapping) and any(isinstance(item, Tensor) for item in value.values())


def _check_numbers(state: Mapping[str, Tensor], path: Path) -> None:
    """Raises InputError for tensors with more numbers than the file can hold, before their memory is touched."""
    plain = (tensor for tensor in state.values() if tensor.layout == torch.strided and not tensor.is_meta)
    storages = [tensor.untyped_storage() for tensor in plain]
    sizes = {storage.data_ptr(): storage.nbytes() for storage in storages}  # views share one
    if sum(sizes.values()) > PACKED * path.stat().st_size + SPARE:
        raise InputError(f"{path} claims more numbers than the file holds; give the checkpoint of a trained WaveGrad")


def _plain(value: Any) -> Any:
    """Returns a configuration as JSON would hold it: NumPy's numbers as Python's, arrays as lists, keys as text."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
