"""Chooses the precision that schedules are scored in: the faster one on this machine, measured once and kept."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from vocoder.atomic import atomic_write
from vocoder.errors import InputError
from vocoder.precision import LEAST_GAIN, bfloat16_gain, processor_name
from vocoder.vocoder import Vocoder, in_precision

AUTO = "auto"
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}
_ROWS, _SECONDS = 2, 0.8  # of the timed call


def check_precision(name: str) -> None:
    """Raises InputError for an unknown precision."""
    if name not in (AUTO, *PRECISIONS):
        raise InputError(f"PRECISION must be one of {', '.join((AUTO, *PRECISIONS))}, and is {name!r}; choose one")


def fastest(vocoder: Vocoder) -> Vocoder:
    """Returns the vocoder in bfloat16 where that is at least LEAST_GAIN times as fast here, else in float32.

    Timing takes less than a second for usual networks. The answer is kept for this processor, torch and network size.
    """
    gain = measured_gain(vocoder)
    return in_precision(vocoder, torch.bfloat16 if gain >= LEAST_GAIN else None)


def measured_gain(vocoder: Vocoder) -> float:
    """Returns how many times as fast the network runs in bfloat16 as in float32, from the cache where it is known."""
    parameters = sum(parameter.numel() for parameter in vocoder.network.parameters())
    key = f"{processor_name(vocoder.device)}, torch {torch.__version__}, {parameters} parameters"
    gains = _stored_gains()
    if not isinstance(gains.get(key), float):
        with _one_thread():
            gains[key] = round(bfloat16_gain(_call(vocoder)), 3)
        with suppress(OSError, RuntimeError, InputError):  # a machine without a place to write to is timed each time
            _cache().parent.mkdir(parents=True, exist_ok=True)
            atomic_write(_cache(), json.dumps(gains, indent=1).encode())
    return float(gains[key])


def _call(vocoder: Vocoder) -> Any:
    frames = max(1, round(_SECONDS * vocoder.sample_rate / vocoder.hop_length))
    y = torch.zeros(_ROWS, frames * vocoder.hop_length, device=vocoder.device)
    mel = torch.zeros(_ROWS, vocoder.front_end.n_mels, frames, device=vocoder.device)
    level = torch.full((_ROWS,), 0.5, device=vocoder.device)

    def call(precision: torch.dtype | None) -> float:
        with torch.inference_mode():
            return float(in_precision(vocoder, precision).predict_noise(y, mel, level).sum())  # waits for a GPU

    return call


@contextmanager
def _one_thread() -> Iterator[None]:
    """Gives torch one thread meanwhile: several would wait for each other where another program uses a core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "schedsearch" / "precision.json"


def _stored_gains() -> dict[str, Any]:
    """Reads the cache; {} where there is none or it cannot be read."""
    try:
        gains = json.loads(_cache().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # RuntimeError: no home folder
        return {}
    return gains if isinstance(gains, dict) else {}
