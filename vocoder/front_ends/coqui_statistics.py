"""Reads the file of mel statistics that a coqui configuration names in stats_path."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocoder.errors import InputError
from vocoder.safe_loading.safe_pickle import load_numpy_pickle


@dataclass(frozen=True)
class CoquiStatistics:
    """Holds mean and deviation of each mel channel, and the "audio" settings they were computed with."""

    mel_mean: NDArray[np.float64]  # [n_mels]
    mel_std: NDArray[np.float64]  # [n_mels]
    audio_config: Mapping[str, Any]


def read_coqui_statistics(path: Path | str) -> CoquiStatistics:
    """Reads what coqui's TTS/bin/compute_statistics.py wrote: a pickled dict in an .npy file.

    Runs nothing the file contains. Raises InputError for a file that is missing, damaged or holds anything
    but arrays and plain values, and for one without mel_mean and mel_std.
    """
    path = Path(path)
    content = load_numpy_pickle(path)
    if not isinstance(content, dict):
        raise InputError(
            f"{path.name}: mel statistics must be a dict, got {type(content).__name__}; give the file stats_path names"
        )
    settings = content.get("audio_config", {})
    if not isinstance(settings, dict):
        raise InputError(
            f"{path.name}: audio_config must be a dict, got {type(settings).__name__}; compute the statistics again"
        )
    return CoquiStatistics(_channels(content, "mel_mean", path), _channels(content, "mel_std", path), settings)


def _channels(content: Mapping[str, Any], key: str, path: Path) -> NDArray[np.float64]:
    value = content.get(key)
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "iuf":
        got = f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__
        raise InputError(
            f"{path.name}: {key} must be an array of numbers [n_mels], got {got}; compute the statistics again"
        )
    return value.astype(np.float64)
