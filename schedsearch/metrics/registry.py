"""Metrics by name, ready for one voice: what can be an objective or a column."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from schedsearch.metrics.failure import Failure
from schedsearch.metrics.level import level
from schedsearch.metrics.perceptual import parallel_pesq, pesq_column
from schedsearch.metrics.spectral import LogMel, log_mel_l1
from vocoder.errors import InputError

Measured = list[list[float | Failure]]  # [candidate][clip]
DEFINITIONS = 1  # raise it when a metric's definition changes: scores of two definitions never mix


@dataclass(frozen=True)
class Metric:
    """A metric bound to a voice's front end and sample rate."""

    name: str
    unit: str
    direction: Literal["minimize", "maximize"]
    measure: Callable[[Tensor, Tensor], Measured]  # references [K, samples], estimates [C, K, samples]
    ranks: bool = True  # whether more (or less) of it is better at all


def metrics_for(front_end: LogMel, sample_rate: int, *, jobs: int = 1) -> dict[str, Metric]:
    """All metrics; `jobs` processes score PESQ."""
    pesq_name = pesq_column(sample_rate)
    distance = log_mel_l1(front_end)
    return {
        "log_mel_l1": Metric("log_mel_l1", "ln", "minimize", lambda r, e: _values(distance(r, e))),
        pesq_name: Metric(pesq_name, "MOS-LQO", "maximize", lambda r, e: _pesq(r, e, sample_rate, jobs)),
        "level": Metric("level", "dB", "minimize", lambda r, e: _values(level(r, e)), ranks=False),
    }


def objective(name: str, metrics: dict[str, Metric]) -> Metric:
    """The metric a search optimises; "pesq" stands for the mode that fits the sample rate."""
    wanted = {"pesq": next(key for key in metrics if key.startswith("pesq_"))}.get(name, name)
    known = [key for key, metric in metrics.items() if metric.ranks]
    if wanted not in known:
        raise InputError(f"OBJECTIVE must be one of {', '.join(known)}, and is {name!r}; choose one")
    return metrics[wanted]


def _values(values: Tensor) -> Measured:
    failure = Failure("audio has NaN or infinite samples")
    rows = values.detach().double().cpu()
    return [[float(v) if torch.isfinite(v) else failure for v in row] for row in rows]


def _pesq(references: Tensor, estimates: Tensor, sample_rate: int, jobs: int) -> Measured:
    clips = len(references)
    pairs = [(references[k], row[k]) for row in estimates for k in range(clips)]
    scores = parallel_pesq(pairs, sample_rate, jobs)
    return [scores[i : i + clips] for i in range(0, len(scores), clips)]
