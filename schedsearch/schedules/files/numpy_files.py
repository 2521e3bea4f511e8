"""NumPy files: lmnt's arrays, coqui's pickled dicts, mixtures of the two, and archives of arrays."""

from pathlib import Path
from typing import Any

import numpy as np

from schedsearch.schedules.files.numbers import Read, archive_of, betas_of, describe, numbers_of_file
from schedsearch.schedules.files.writing import Layout
from vocoder.errors import InputError, reason_of
from vocoder.safe_loading.safe_pickle import NPY_MAGIC, numpy_content, read_filled

_UNNAMED = "arr_0"  # what numpy.savez calls an array without a name
_EXACT = (np.float32, np.float64)  # float16 has no 1 - 1e-6: a step's factors would be 0 / 0


def read_numpy(path: str | Path) -> Read:
    """Reads .npy and .npz files; pickles go through `vocoder.safe_loading.safe_pickle`, which runs nothing."""
    data = read_filled(path)
    if data.startswith(b"PK"):
        return _of_archive(data, path)
    content = numpy_content(data, path)
    container = data.startswith(NPY_MAGIC)  # numpy.load makes something else of a raw pickle
    if isinstance(content, dict):
        return _of_dict(content, path, container)
    if not isinstance(content, np.ndarray):
        raise InputError(f"{path}: expected an array of betas, got {describe(content)}")
    pickled = content.dtype.hasobject
    betas = numbers_of_file(content.tolist(), path) if pickled and content.ndim == 1 else content
    kind = "pickled array of objects" if pickled else f"{content.dtype} array"
    return betas, f"a {kind}", (Layout.LMNT,) if container and content.dtype in _EXACT else ()


def _of_archive(data: bytes, path: str | Path) -> Read:
    """Reads the array of an .npz file that has the name of betas, or the only one if it has no name."""
    try:
        with archive_of(data) as archive:
            members = {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}
    except Exception as error:  # a torn archive makes zipfile raise nearly anything
        raise InputError(f"{path}: not a readable .npz file: {reason_of(error)}") from error
    if any(name.endswith("/data.pkl") for name in members):
        raise InputError(f"{path}: torch.save wrote it, not NumPy; let its name end in .pt")
    arrays = {name: numpy_content(member, path) for name, member in members.items()}
    betas = arrays[_UNNAMED] if list(arrays) == [_UNNAMED] else betas_of(arrays, f"{path}: ")[1]
    if not isinstance(betas, np.ndarray) or betas.dtype.hasobject:
        raise InputError(f"{path}: expected an array of betas, got {describe(betas)}")
    return betas, f"an archive with {_kind(betas)}", ()


def _of_dict(content: dict[Any, Any], path: str | Path, container: bool) -> Read:
    key, betas = betas_of(content, f"{path}: ")
    takes = container and isinstance(content.get("beta"), np.ndarray)  # its code calls .astype
    takes = takes and betas.dtype in _EXACT
    kind = f"a pickled dict whose {key!r} is {_kind(betas)}"
    if isinstance(betas, list):
        betas = numbers_of_file(betas, path)
    if not isinstance(betas, np.ndarray):
        raise InputError(f"{path}: expected an array of betas, got {describe(betas)}")
    return betas, kind, (Layout.COQUI,) if takes else ()


def _kind(content: object) -> str:
    return f"a {content.dtype} array" if isinstance(content, np.ndarray) else f"a {type(content).__name__}"
