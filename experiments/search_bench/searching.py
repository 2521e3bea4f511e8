"""Runs a search on chosen clips, and watches it batch by batch."""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.row_cache import RowCache
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE, Metric, column, metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.search.finalists import finalists, shortlisted
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
COLUMN = column(OBJECTIVE, 16000)  # the name of its scores
# Of grids and winners, so that they can be compared in whatever may become the objective.
SCORED = tuple(dict.fromkeys((OBJECTIVE, "spectral_pesq", "spectral", "mr_stft", "log_mel_l1", "pesq", "stoi")))
CLIPS = 4  # of the search clips, the first in the race's order: of tables of strategies, stages and grids, in one draw
FRESH = NoiseBank(HELD_OUT_SEED + 17)  # noise of the held-out comparisons: no search draws from it


@dataclass(frozen=True)
class Point:
    """The state of a search after a batch."""

    network_evaluations: int  # of candidates and strategies, baselines counted apart
    best: float  # of the candidates alone
    baseline: float  # the best of the baselines


@dataclass(frozen=True)
class Searched:
    """How a search went."""

    points: list[Point]
    winner: Candidate
    baseline: Candidate
    candidates: list[Candidate]
    wall: float  # seconds of the search stage
    evaluating: float  # of those, inside evaluations and strategies' own network calls

    def rows(self, key: Mapping[str, str | int], **more: float) -> list[dict[str, object]]:
        """Returns a row a batch: how far the run was after it, and `more` in each."""
        return [
            {**key, "network_evaluations": p.network_evaluations, "best": p.best, "best_baseline": p.baseline, **more}
            for p in self.points
        ]


def stored_rows(path: Path) -> RowCache:
    """Opens a table of the bench, which grows run by run."""
    return RowCache(path, ".6g")


def demo(iterations: int, strategy: str, seed: int, folder: Path, *, clips: int | None = CLIPS) -> Run:
    """Opens a run on the first clips of the demo voice, or on all where None; its results go into `folder`."""
    voice = load_voice("demo", None)
    opened = open_run(voice, Settings(iterations, strategy=strategy, objective=OBJECTIVE, seed=seed, results=folder))
    return opened if clips is None else on_clips(opened, voice, opened.search_clips[:clips])


def every_metric(run: Run, clips: Sequence[Clip], noise: NoiseBank | None = None) -> Evaluator:
    """Returns an evaluator of all of SCORED, in the search's noise unless another is given."""
    return Evaluator(run.vocoder, clips, list(scored_metrics(run).values()), noise or NoiseBank(run.settings.seed))


def scored_metrics(run: Run) -> dict[str, Metric]:
    """Returns the metrics of SCORED by name."""
    return metrics_for(run.vocoder.front_end, run.vocoder.sample_rate, jobs=2, names=SCORED)


def on_clips(opened: Run, voice: Voice, clips: Sequence[Clip]) -> Run:
    """Returns the run on other search clips, with a store of its own."""
    identity = {**opened.store.study.user_attrs["identity"], "search clips": [clip.name for clip in clips]}
    lengths = [len(clip.audio) for clip in clips]
    store = Store(sqlite_url(opened.folder / "study.db"), {**identity, "samples": lengths}, opened.store.objectives)
    return Run(voice, opened.settings, opened.vocoder, tuple(clips), opened.held_out_clips, store, (0,))


def watched(run: Run, budget: Budget, strategy: Strategy | None = None) -> Searched:
    """Runs the search stage to the end of its budget, by the run's own strategy or another."""
    began, points = time.perf_counter(), []
    baselines_done = began
    for progress in search(run.store, run.race, run.space, strategy or run.strategy(budget), budget):
        if progress.stage == "baselines":
            baselines_done = time.perf_counter()
        else:
            points.append(_point(run.store))
    candidates = run.store.candidates()
    return Searched(
        points,
        ranking(run.store, candidates)[0],
        ranking(run.store, run.store.baselines())[0],
        candidates,
        time.perf_counter() - baselines_done,
        run.store.work()[0] + sum(c.seconds for c in candidates),
    )


def search_to_the_end(run: Run, candidates: int) -> None:
    """Runs the search stage by the run's own strategy."""
    budget = Budget(candidates, "candidates")
    for _ in search(run.store, run.race, run.space, run.strategy(budget), budget):
        pass


def best_finalists(run: Run) -> tuple[Candidate, Candidate]:
    """Scores the finalists of a finished search again; returns the best searched one and the best baseline."""
    shortlist = shortlisted(run.store)
    for _ in run.rescored(shortlist):
        pass
    ranked = finalists(run.store, shortlist)
    return next(c for c in ranked if c.kind != "baseline"), next(c for c in ranked if c.kind == "baseline")


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """Makes a folder for a run whose store nobody needs afterwards."""
    return tempfile.TemporaryDirectory()


def _point(store: Store) -> Point:
    candidates = store.candidates()
    calls = store.work()[1] + sum(c.network_evaluations for c in candidates)
    baseline = ranking(store, store.baselines())[0].score.mean
    ranked = ranking(store, candidates)
    return Point(calls, ranked[0].score.mean if ranked else float("nan"), baseline)
