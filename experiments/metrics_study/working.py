"""Scores the study piece by piece over a few processes; a stopped run goes on."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TypeAlias, TypeVar

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

Voice: TypeAlias = tuple[str, int | None]  # dataset, rate
Work = TypeVar("Work")
Scores = dict[str, list[float]]


def score_part(part: str, voice: Voice, stored: StoredScores) -> None:
    """Scores whatever of PARTS[part] has no score yet."""
    if part == "faults":
        if voice[0] != WITH_FAULTS:
            return
        both_starts_first = sorted(FAULTS, key=lambda fault: fault.name not in ("", *OF_SYNTHESIS))
        _score(both_starts_first, lambda fault: fault.key, partial(score_fault, voice), stored, part)
    else:
        steps, draw = PARTS[part]
        wanted = [job for job in jobs() if (job.named.steps, job.draw) == (steps, draw)]
        _score(wanted, job_key, partial(score_job, voice), stored, f"{voice[0]}, {part}")


def score_job(voice: Voice, job: Job) -> Scores:
    """Scores a schedule on one noise draw."""
    return _bench(voice).score(job)


def score_fault(voice: Voice, fault: Fault) -> Scores:
    """Scores degraded recordings, or degraded synthesis."""
    audio = fault.degrade(_start(voice, fault.start))
    return _bench(voice).measure(audio, range(len(audio)), pitch=True)


def _score(
    work: Sequence[Work], key: Callable[[Work], str], score: Callable[[Work], Scores], stored: StoredScores, title: str
) -> None:
    left = [each for each in work if stored.get(key(each)) is None]
    workers = joblib.Parallel(n_jobs=PROCESSES, return_as="generator")
    scored = workers(joblib.delayed(score)(each) for each in left)
    for each, scores in zip(left, tqdm(scored, desc=title, total=len(left)), strict=True):
        stored.add(key(each), scores)


@cache
def _bench(voice: Voice) -> Bench:
    """Opens a bench once a process and voice."""
    torch.set_num_threads(1)
    return Bench.open(*voice)


@cache
def _start(voice: Voice, name: str) -> Tensor:
    return _bench(voice).references if name == "recording" else _bench(voice).audio(START, 0)
