"""One search on chosen clips, watched batch by batch."""

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE, column, metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.search.loop import search
from schedsearch.search.opening import open_run
from schedsearch.search.run import Run
from schedsearch.search.settings import Settings
from schedsearch.strategies.strategy import Strategy
from schedsearch.study.budget import Budget
from schedsearch.study.candidate import Candidate
from schedsearch.study.ranking import ranking
from schedsearch.study.store import Store, sqlite_url
from schedsearch.voice.config import Voice, load_voice
from schedsearch.voice.opened import HELD_OUT_SEED
from vocoder.audio.reading import Clip

OBJECTIVE = os.environ.get("OBJECTIVE") or DEFAULT_OBJECTIVE
FOLDER = Path("results/shipped/demo/16000hz/search") / OBJECTIVE
COLUMN = column(OBJECTIVE, 16000)  # its scores stand under
# Of grids and winners, so that they can be compared in whatever may become the objective.
SCORED = tuple(dict.fromkeys((OBJECTIVE, "spectral_pesq", "spectral", "mr_stft", "log_mel_l1", "pesq", "stoi")))
CLIPS = 4  # of the search clips, the first in the race's order: of tables of strategies, stages and grids, in one draw
FRESH = NoiseBank(HELD_OUT_SEED + 17)  # of the held-out comparisons: no search draws from it


@dataclass(frozen=True)
class Point:
    """A search after a batch."""

    network_evaluations: int  # of candidates and strategies, baselines counted apart
    best: float  # of the candidates alone
    baseline: float  # the best of the baselines


@dataclass(frozen=True)
class Searched:
    """How it went."""

    points: list[Point]
    winner: Candidate
    baseline: Candidate
    candidates: list[Candidate]
    wall: float  # seconds of the search stage
    evaluating: float  # of those, inside evaluations and strategies' own network calls


def demo(iterations: int, strategy: str, seed: int, folder: Path, *, clips: int | None = CLIPS) -> Run:
    """A run on the first clips of the demo voice, its results in `folder`; all clips where None."""
    voice = load_voice("demo", None)
    opened = open_run(voice, Settings(iterations, strategy=strategy, objective=OBJECTIVE, seed=seed, results=folder))
    return opened if clips is None else on_clips(opened, voice, opened.search_clips[:clips])


def every_metric(run: Run, clips: Sequence[Clip], noise: NoiseBank | None = None) -> Evaluator:
    """Scores all of SCORED, in the search's noise unless another is given."""
    metrics = metrics_for(run.vocoder.front_end, run.vocoder.sample_rate, jobs=2, names=SCORED)
    return Evaluator(run.vocoder, clips, list(metrics.values()), noise or NoiseBank(run.settings.seed))


def on_clips(opened: Run, voice: Voice, clips: Sequence[Clip]) -> Run:
    """The same run on other search clips, with a store of its own."""
    identity = {**opened.store.study.user_attrs["identity"], "search clips": [clip.name for clip in clips]}
    lengths = [len(clip.audio) for clip in clips]
    store = Store(sqlite_url(opened.folder / "study.db"), {**identity, "samples": lengths}, opened.store.objectives)
    return Run(voice, opened.settings, opened.vocoder, tuple(clips), opened.held_out_clips, store, (0,))


def watched(run: Run, budget: Budget, strategy: Strategy | None = None) -> Searched:
    """The search stage to the end of its budget, by the run's own strategy or another."""
    began, points = time.perf_counter(), []
    baselines_done = began
    for progress in search(run.store, run.race, run.space, strategy or run.strategy(budget), budget):
        if progress.stage == "baselines":
            baselines_done = time.perf_counter()
        else:
            points.append(_point(run.store))
    found = run.store.candidates()
    return Searched(
        points,
        ranking(run.store, found)[0],
        ranking(run.store, run.store.baselines())[0],
        found,
        time.perf_counter() - baselines_done,
        run.store.work()[0] + sum(c.seconds for c in found),
    )


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """Where a run's store stands that nobody needs afterwards."""
    return tempfile.TemporaryDirectory()


def _point(store: Store) -> Point:
    found = store.candidates()
    calls = store.work()[1] + sum(c.network_evaluations for c in found)
    baseline = ranking(store, store.baselines())[0].score.mean
    ranked = ranking(store, found)
    return Point(calls, ranked[0].score.mean if ranked else float("nan"), baseline)
