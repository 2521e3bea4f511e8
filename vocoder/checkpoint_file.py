"""Reads a stranger's checkpoint without running anything it holds: names, tensors, its configuration."""

import os
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vocoder.errors import InputError
from vocoder.pickle_guard import HostilePickle
from vocoder.torch_file import PACKED, SPARE, check_torch_path

SIZE_LIMIT = 4 << 30  # bytes; the base network with its optimiser's state takes 0.2 GiB
NAME_LIMIT = 200  # characters of a tensor's name
PARALLEL = "module."  # what torch's DataParallel puts before every name


@dataclass(frozen=True)
class CheckpointFile:
    """What we take from a checkpoint; optimiser, step and scaler beside the model stay behind."""

    state: dict[str, Tensor]
    config: dict[str, Any]  # coqui's "config" or lmnt's "params"; {} where the file carries none


def read_checkpoint(path: Path) -> CheckpointFile:
    """{"model": state dict, ...} or a bare state dict; InputError (one line) for everything else."""
    _check_size(path)
    content = _loaded(path)
    if not isinstance(content, Mapping):
        kind = type(content).__name__
        raise InputError(f"{path} holds a {kind}, not a state dict; give a WaveGrad checkpoint")
    model = content.get("model")
    state = _tensors(model if isinstance(model, Mapping) else content, path)
    _check_numbers(state, path)
    carried = [content[key] for key in ("config", "params") if isinstance(content.get(key), Mapping)]
    return CheckpointFile(_without_prefix(state), dict(carried[0]) if carried else {})


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
            return torch.load(path, map_location="cpu", weights_only=True)
    except HostilePickle as error:
        raise InputError(f"{path}: refused, {error}; give a plain state dict, as torch.save writes it") from error
    except pickle.UnpicklingError as error:
        raise InputError(f"{path} {_refusal(path, str(error))}") from error
    except Exception as error:  # a torn or foreign file can make torch's readers raise nearly anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(
            f"{path} is no checkpoint that torch can read: truncated, damaged or another kind of file "
            f"({reason}); copy or download it again"
        ) from error


def _refusal(path: Path, error: str) -> str:
    asked = re.search(r"GLOBAL ([\w.]{1,80})", error)
    with open(path, "rb") as file:
        start = file.read(2)
    if not asked and start[:1] != b"\x80" and start != b"PK":
        return "is no checkpoint but another kind of file; copy or download it again"
    what = f"asks for {asked[1]}" if asked else "is a pickle of another kind"
    return (
        f"{what}: it wants to run code or holds objects that are no tensors; refused; "
        "re-save it as a plain state dict"
    )


def _tensors(state: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    tensors = {str(name): value.detach() for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise InputError(f"{path} holds no tensors; give the checkpoint of a trained WaveGrad")
    if any(not name.isprintable() or len(name) > NAME_LIMIT for name in tensors):
        raise InputError(f"{path} has tensor names that no module can have; give a WaveGrad checkpoint")
    return tensors


def _check_numbers(state: Mapping[str, Tensor], path: Path) -> None:
    """All of them stand in the file: others were never there, and to look at them would take their memory."""
    found = [tensor.untyped_storage() for tensor in state.values() if _has_storage(tensor)]
    storages = {storage.data_ptr(): storage.nbytes() for storage in found}  # views share one
    if sum(storages.values()) > PACKED * path.stat().st_size + SPARE:
        raise InputError(f"{path} claims more numbers than the file holds; give the checkpoint of a trained WaveGrad")


def _has_storage(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not tensor.is_meta


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    while all(name.startswith(PARALLEL) for name in state):
        state = {name.removeprefix(PARALLEL): tensor for name, tensor in state.items()}
    return state
