"""Predicts listeners' opinions by Distill-MOS (package `distillmos`), where `make mos` has installed it.

No other module imports the package. It hears the estimate alone, at 16 kHz, and was trained on listeners' opinions of
speech from telephony (Stahl & Gamper 2025, "Distillation and pruning for scalable self-supervised representation-based
speech quality assessment"). Its weights are in its wheel, under the MIT licence.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache
from importlib.util import find_spec
from io import StringIO
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from schedsearch.metrics.clips import array, obstacle
from schedsearch.metrics.failure import Failure
from vocoder.audio.reading import resample

NAME = "distill_mos"
RATE = 16_000  # Hz


def installed() -> bool:
    """Says whether the package and its network's layers (package `xls_r_sqa`) are there."""
    return find_spec("distillmos") is not None and find_spec("xls_r_sqa") is not None


def distill_mos(estimate: Tensor, sample_rate: int) -> float | Failure:
    """Returns the predicted mean opinion of a clip [samples], 1 (bad) to 5 (excellent); a Failure for silence or NaN.

    Speech at another rate is resampled to 16 kHz. The package pads short clips to 7.7 s with zeros.
    """
    samples = array(estimate)
    failure = obstacle("estimate", samples)
    if failure is not None:
        return failure
    audio = resample(torch.from_numpy(samples), sample_rate, RATE)
    with torch.inference_mode():
        return float(_network()(audio[None]))


@cache
def _network() -> Any:
    with _without_torchaudio(), redirect_stdout(StringIO()):  # it prints where its weights are
        from distillmos import ConvTransformerSQAModel

        return ConvTransformerSQAModel().eval()


@contextmanager
def _without_torchaudio() -> Iterator[None]:
    """Lets the package be imported where torchaudio is not installed.

    It imports torchaudio at its head, and uses it only in its own command line, to read and resample files. An empty
    module stands in for it during the import, so that torchaudio is no requirement of ours.
    """
    if "torchaudio" in sys.modules or find_spec("torchaudio") is not None:
        yield
        return
    sys.modules["torchaudio"] = ModuleType("torchaudio")
    try:
        yield
    finally:
        del sys.modules["torchaudio"]
