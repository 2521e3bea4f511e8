"""Reads a stranger's checkpoint without running anything it holds: names, tensors, its configuration."""

import _codecs
import os
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vocoder.dialects.detection import unwrapped
from vocoder.errors import InputError
from vocoder.safe_loading.pickle_guard import HostilePickle
from vocoder.safe_loading.torch_file import PACKED, SPARE, check_torch_path, refusal

SIZE_LIMIT = 4 << 30  # bytes; the base network with its optimiser's state takes 0.2 GiB
NAME_LIMIT = 200  # characters of a tensor's name


def _plain_dict(*_: Any) -> dict[Any, Any]:
    """torch's unpickler fills no defaultdict, and nobody here needs its default."""
    return {}


# What trainers leave beside the model and can only be data: an optimiser's defaultdict, a loss that is a numpy number.
_SCALAR = np.float64(0).__reduce__()[0]
_HARMLESS: list[Any] = [
    dict,
    (_plain_dict, "collections.defaultdict"),
    _codecs.encode,  # bytes, in the old protocol that torch writes
    np.dtype,
    *(type(np.dtype(name)) for name in ("float64", "float32", "int64", "int32", "bool")),
    *((_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
]


@dataclass(frozen=True)
class CheckpointFile:
    """Holds what we take from a checkpoint; optimiser, step and scaler beside the model stay behind."""

    state: dict[str, Tensor]
    wrapper: str  # what was taken off the name of every weight, such as "module."
    config: dict[str, Any]  # coqui's "config" or lmnt's "params"; {} where the file carries none


def read_checkpoint(path: Path) -> CheckpointFile:
    """Reads {"model": state dict, ...}, Lightning's {"state_dict": ...} or a bare state dict.

    InputError (one line) for everything else.
    """
    _check_size(path)
    content = _loaded(path)
    if not isinstance(content, Mapping):
        kind = type(content).__name__
        raise InputError(f"{path} holds a {kind}, not a state dict; give a WaveGrad checkpoint")
    models = [content[key] for key in ("model", "state_dict") if isinstance(content.get(key), Mapping)]
    tensors = _tensors(models[0] if models else content, path)
    _check_numbers(tensors, path)
    state, wrapper = unwrapped(tensors)
    carried = [content[key] for key in ("config", "params") if isinstance(content.get(key), Mapping)]
    return CheckpointFile(state, wrapper, dict(carried[0]) if carried else {})


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


def _loaded(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old storages and pickle protocols: harmless if they load
            check_torch_path(path)
            with torch.serialization.safe_globals(_HARMLESS):
                return torch.load(path, map_location="cpu", weights_only=True)
    except HostilePickle as error:
        raise InputError(f"{path}: refused, {error}; give a plain state dict, as torch.save writes it") from error
    except pickle.UnpicklingError as error:
        with open(path, "rb") as file:
            start = file.read(2)
        reason = refusal(start, str(error))
        raise InputError(f"{path} {reason}; give a plain state dict, as torch.save writes it") from error
    except PermissionError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); mend its rights") from error
    except Exception as error:  # a torn or foreign file can make torch's readers raise nearly anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(
            f"{path} is no checkpoint that torch can read: truncated, damaged or another kind of file "
            f"({reason}); copy or download it again"
        ) from error


def _tensors(state: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    tensors = {str(name): value.detach() for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        deeper = [str(name) for name, value in state.items() if isinstance(value, Mapping) and _has_tensors(value)]
        where = f" but below {', '.join(deeper)[:NAME_LIMIT]!r}; save one of them alone" if deeper else ""
        raise InputError(f"{path} holds no tensors{where or '; give the checkpoint of a trained WaveGrad'}")
    if any(not name.isprintable() or len(name) > NAME_LIMIT for name in tensors):
        raise InputError(f"{path} has tensor names that no module can have; give a WaveGrad checkpoint")
    return tensors


def _has_tensors(state: Mapping[Any, Any]) -> bool:
    return any(isinstance(value, Tensor) for value in state.values())


def _check_numbers(state: Mapping[str, Tensor], path: Path) -> None:
    """All of them stand in the file: others were never there, and to look at them would take their memory."""
    found = [tensor.untyped_storage() for tensor in state.values() if _has_storage(tensor)]
    storages = {storage.data_ptr(): storage.nbytes() for storage in found}  # views share one
    if sum(storages.values()) > PACKED * path.stat().st_size + SPARE:
        raise InputError(f"{path} claims more numbers than the file holds; give the checkpoint of a trained WaveGrad")


def _has_storage(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not tensor.is_meta
