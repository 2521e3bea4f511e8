"""What is scored, one piece after another over a few processes: a run that is stopped goes on."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

import joblib
import torch
from torch import Tensor
from tqdm import tqdm

from experiments.metrics_study.degradations import FAULTS, OF_SYNTHESIS, START, Fault
from experiments.metrics_study.schedules import Job, jobs
from experiments.metrics_study.scoring import Bench, Kept, job_key

PROCESSES = 2  # of one thread each: two threads on one small convolution wait for each other more than they save
# Steps and noise draw, in the order of what they say: tables can be made of the first part alone.
PARTS = {"6": (6, 0), "faults": (0, 0), "second draw": (6, 1), "12": (12, 0)}

Work = TypeVar("Work")
Scores = dict[str, list[float]]


def score_part(part: str, kept: Kept) -> None:
    """Whatever of PARTS[part] is not scored yet."""
    if part == "faults":
        both_starts_first = sorted(FAULTS, key=lambda fault: fault.name not in ("", *OF_SYNTHESIS))
        _score(both_starts_first, lambda fault: fault.key, score_fault, kept, part)
    else:
        steps, draw = PARTS[part]
        wanted = [job for job in jobs() if (job.named.steps, job.draw) == (steps, draw)]
        _score(wanted, job_key, score_job, kept, part)


def score_job(job: Job) -> Scores:
    """A schedule on one noise draw."""
    return _bench().score(job)


def score_fault(fault: Fault) -> Scores:
    """A degraded recording, or degraded synthesis."""
    return _bench().measure(fault.degrade(_start(fault.start)), pitch=True)


def _score(
    work: Sequence[Work], key: Callable[[Work], str], score: Callable[[Work], Scores], kept: Kept, title: str
) -> None:
    left = [each for each in work if kept.get(key(each)) is None]
    workers = joblib.Parallel(n_jobs=PROCESSES, return_as="generator")
    found = workers(joblib.delayed(score)(each) for each in left)
    for each, scores in zip(left, tqdm(found, desc=title, total=len(left)), strict=True):
        kept.put(key(each), scores)


@cache
def _bench() -> Bench:
    """One a process."""
    torch.set_num_threads(1)
    return Bench.open()


@cache
def _start(name: str) -> Tensor:
    return _bench().references if name == "recording" else _bench().audio(START, 0)
