"""Scores the study piece by piece over a few processes; a stopped run goes on."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TypeVar

import joblib
import torch
from torch import Tensor
from tqdm import tqdm

from experiments.metrics_study.degradations import FAULTS, OF_SYNTHESIS, START, Fault
from experiments.metrics_study.schedules import Job, jobs
from experiments.metrics_study.scoring import Bench, StoredScores, job_key

PROCESSES = 2  # of one thread each: two threads on one small convolution wait for each other more than they save
# Steps and noise draw, in the order of what they say: tables can be made of the first part alone.
PARTS = {"6": (6, 0), "faults": (0, 0), "12": (12, 0), "25": (25, 0), "50": (50, 0), "second draw": (6, 1)}
WITH_FAULTS = "demo"  # the voice whose recordings are degraded as well

Work = TypeVar("Work")
Scores = dict[str, list[float]]


def score_part(part: str, dataset: str, stored: StoredScores) -> None:
    """Scores whatever of PARTS[part] has no score yet."""
    if part == "faults":
        if dataset != WITH_FAULTS:
            return
        both_starts_first = sorted(FAULTS, key=lambda fault: fault.name not in ("", *OF_SYNTHESIS))
        _score(both_starts_first, lambda fault: fault.key, partial(score_fault, dataset), stored, part)
    else:
        steps, draw = PARTS[part]
        wanted = [job for job in jobs() if (job.named.steps, job.draw) == (steps, draw)]
        _score(wanted, job_key, partial(score_job, dataset), stored, f"{dataset}, {part}")


def score_job(dataset: str, job: Job) -> Scores:
    """Scores a schedule on one noise draw."""
    return _bench(dataset).score(job)


def score_fault(dataset: str, fault: Fault) -> Scores:
    """Scores degraded recordings, or degraded synthesis."""
    audio = fault.degrade(_start(dataset, fault.start))
    return _bench(dataset).measure(audio, range(len(audio)), pitch=True)


def _score(
    work: Sequence[Work], key: Callable[[Work], str], score: Callable[[Work], Scores], stored: StoredScores, title: str
) -> None:
    left = [each for each in work if stored.get(key(each)) is None]
    workers = joblib.Parallel(n_jobs=PROCESSES, return_as="generator")
    scored = workers(joblib.delayed(score)(each) for each in left)
    for each, scores in zip(left, tqdm(scored, desc=title, total=len(left)), strict=True):
        stored.add(key(each), scores)


@cache
def _bench(dataset: str) -> Bench:
    """Opens a bench once a process and voice."""
    torch.set_num_threads(1)
    return Bench.open(dataset)


@cache
def _start(dataset: str, name: str) -> Tensor:
    return _bench(dataset).references if name == "recording" else _bench(dataset).audio(START, 0)
