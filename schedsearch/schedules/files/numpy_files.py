"""NumPy files: lmnt's arrays, coqui's pickled dicts, and mixtures of the two."""

from pathlib import Path
from typing import Any

import numpy as np

from schedsearch.schedules.files.numbers import Read, describe, key_of, numbers_of_file
from schedsearch.schedules.files.writing import Layout
from vocoder.errors import InputError
from vocoder.safe_loading.safe_pickle import NPY_MAGIC, load_numpy_pickle, read_bounded

_EXACT = (np.float32, np.float64)  # float16 has no 1 - 1e-6: a step's factors would be 0 / 0


def read_numpy(path: str | Path) -> Read:
    """Reads .npy files; pickles go through `vocoder.safe_loading.safe_pickle`, which runs nothing."""
    content = load_numpy_pickle(path)
    container = read_bounded(path).startswith(NPY_MAGIC)  # numpy.load makes something else of a raw pickle
    if isinstance(content, dict):
        return _of_dict(content, path, container)
    if not isinstance(content, np.ndarray):
        raise InputError(f"{path}: expected an array of betas, got {describe(content)}")
    pickled = content.dtype.hasobject
    betas = numbers_of_file(content.tolist(), path) if pickled and content.ndim == 1 else content
    kind = "pickled array of objects" if pickled else f"{content.dtype} array"
    return betas, f"a {kind}", (Layout.LMNT,) if container and content.dtype in _EXACT else ()


def _of_dict(content: dict[Any, Any], path: str | Path, container: bool) -> Read:
    key = key_of(content, f"{path}: ")
    if key is None:
        raise InputError(f"{path}: expected the key 'beta', got {', '.join(map(repr, content))[:80]}")
    betas = content[key]
    takes = container and key == "beta" and isinstance(betas, np.ndarray)  # its code calls .astype
    takes = takes and betas.dtype in _EXACT
    kind = f"a pickled dict whose {key!r} is {_kind(betas)}"
    if isinstance(betas, list):
        betas = numbers_of_file(betas, path)
    if not isinstance(betas, np.ndarray):
        raise InputError(f"{path}: expected an array of betas, got {describe(betas)}")
    return betas, kind, (Layout.COQUI,) if takes else ()


def _kind(content: object) -> str:
    return f"a {content.dtype} array" if isinstance(content, np.ndarray) else f"a {type(content).__name__}"
