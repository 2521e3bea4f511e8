"""Compares the winner with the best baseline on held-out clips with fresh noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from math import ceil

from schedsearch.evaluation.evaluator import Evaluator, Keep
from schedsearch.evaluation.paired import Comparison, compare
from schedsearch.evaluation.scores import Score, joined
from schedsearch.metrics import mos
from schedsearch.metrics.registry import Metric
from schedsearch.search.loop import Progress
from schedsearch.study.candidate import Candidate, plain_scores, scores_from
from schedsearch.study.store import HELD_OUT, Store
from vocoder.errors import InputError

LEAST_CLIPS = 2  # in a piece, so that several processes score them
STEPS_AT_ONCE = 2  # on all held-out clips: a piece takes a minute where networks are slow, and seconds elsewhere


@dataclass(frozen=True)
class Verdict:
    """What ships, and the evidence."""

    finalists: tuple[Candidate, ...]  # best first; of both kinds
    objective: str
    comparisons: tuple[Comparison, ...]  # of winner and baseline, one a metric, the objective first
    other_baselines: tuple[Candidate, ...] = ()  # best first; scored in fewer draws than the finalists

    @property
    def winner(self) -> Candidate:
        """Returns the best searched finalist."""
        return next(c for c in self.finalists if c.kind != "baseline")

    @property
    def baseline(self) -> Candidate:
        """Returns the best baseline among the finalists."""
        return next(c for c in self.finalists if c.kind == "baseline")

    @property
    def improves(self) -> bool:
        """Says whether the winner is better in the objective at 95 % and fails no more often than the baseline."""
        return next(c for c in self.comparisons if c.metric == self.objective).better

    @property
    def shipped(self) -> Candidate:
        """Returns the winner if it improves on the baseline, else the baseline."""
        return self.winner if self.improves else self.baseline


def winner_and_baseline(store: Store, finalists: Sequence[Candidate]) -> list[Candidate]:
    """Returns the best finalist of each kind. InputError where all of a kind failed."""
    searched = [c for c in finalists if c.kind != "baseline"]
    baselines = [c for c in finalists if c.kind == "baseline"]
    if not searched:
        raise _all_failed("candidate", store.candidates())
    if not baselines:
        raise _all_failed("baseline", store.baselines())
    return [searched[0], baselines[0]]


def judge(
    store: Store, pair: Sequence[Candidate], evaluator: Evaluator, draws: tuple[int, ...], keep: Keep | None = None
) -> Iterator[Progress]:
    """Scores winner and baseline on held-out clips, and stores the scores. `keep` is handed the audio.

    A schedule is scored piece by piece, so that long work shows its progress and a stop loses little.
    """
    keys = {_key(candidate, draws, evaluator.metric_names): candidate for candidate in pair}
    missing = {key: candidate for key, candidate in keys.items() if store.recall(key) is None}
    pieces = {piece.key: piece for key, candidate in missing.items() for piece in _pieces(key, candidate, evaluator)}
    for key in store.share_out(list(pieces), lambda key: store.recall(key) is not None):
        piece = pieces[key]
        [evaluation] = piece.evaluator.evaluate([piece.candidate.schedule], draws, keep=keep)
        store.remember(key, plain_scores(evaluation.scores))
        done = sum(store.recall(key) is not None for key in pieces)
        yield Progress("held-out clips", done / len(pieces), None)
    for key in missing:
        _join(store, key, [piece for piece in pieces.values() if piece.whole == key], evaluator)


@dataclass(frozen=True)
class _Piece:
    """Some held-out clips of one schedule."""

    key: str  # in the store
    whole: str  # the key of all clips
    candidate: Candidate
    evaluator: Evaluator


def _pieces(key: str, candidate: Candidate, evaluator: Evaluator) -> Iterator[_Piece]:
    most = ceil(len(evaluator.clip_names) / LEAST_CLIPS)
    parts = evaluator.split(min(most, ceil(len(candidate.schedule) / STEPS_AT_ONCE)))
    for part in parts:
        clips = sha256("\0".join(part.clip_names).encode()).hexdigest()[:12]
        yield _Piece(key if len(parts) == 1 else f"{key}, clips {clips}", key, candidate, part)


def _join(store: Store, key: str, pieces: Sequence[_Piece], evaluator: Evaluator) -> None:
    """Stores the scores of all clips, once all pieces are done."""
    if len(pieces) == 1:
        return
    parts = [(piece.evaluator.clip_names, _stored_scores(store, piece.key, evaluator.metric_names)) for piece in pieces]
    whole = {
        name: joined(evaluator.clip_names, [(clips, scores[name]) for clips, scores in parts])
        for name in evaluator.metric_names
    }
    store.remember(key, plain_scores(whole))


def judged(
    store: Store, pair: Sequence[Candidate], metrics: tuple[str, ...], draws: tuple[int, ...]
) -> tuple[str, ...] | None:
    """Returns the metrics under whose names the store has the held-out scores of this winner and baseline, or None.

    They are `metrics`, and perhaps Distill-MOS, which need no longer be installed.
    """
    for names in (metrics, (*metrics, mos.NAME)):
        if all(store.recall(_key(candidate, draws, names)) is not None for candidate in pair):
            return names
    return None


def verdict(
    store: Store, finalists: Sequence[Candidate], metrics: Sequence[Metric], draws: tuple[int, ...], *, seed: int
) -> Verdict:
    """Compares the scores that `judge` stored. InputError where another process has since added to the search."""
    pair = winner_and_baseline(store, finalists)
    names = judged(store, pair, tuple(metric.name for metric in metrics), draws)
    if names is None:
        raise InputError("another process has added to this search meanwhile; the same command goes on with it")
    winner, baseline = (_stored_scores(store, _key(candidate, draws, names), names) for candidate in pair)
    comparisons = tuple(compare(metric, winner[metric.name], baseline[metric.name], seed) for metric in metrics)
    return Verdict(tuple(finalists), store.objective, comparisons, _other_baselines(store, finalists))


def _other_baselines(store: Store, finalists: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Returns the baselines that are not finalists, best first, those that failed last."""
    names = {finalist.name for finalist in finalists}
    others = [c for c in store.baselines() if c.name not in names]
    sound = sorted((c for c in others if not c.failures), key=lambda c: store.signs[store.objective] * c.expected)
    return (*sound, *(c for c in others if c.failures))


def _all_failed(kind: str, candidates: list[Candidate]) -> InputError:
    if not candidates:
        return InputError(f"the search has no {kind}: its strategy proposed none; choose another STRATEGY or GRID")
    reason = next((c.failures[0] for c in candidates if c.failures), "only on the finalists' noise draws")
    return InputError(f"every {kind} failed: {reason}; check the checkpoint and its configuration")


def _stored_scores(store: Store, key: str, names: tuple[str, ...]) -> dict[str, Score]:
    scores: dict[str, Score] = store.recall(key, partial(scores_from, names=names))
    return scores


def _key(candidate: Candidate, draws: tuple[int, ...], metrics: tuple[str, ...]) -> str:
    return f"{HELD_OUT.format(candidate.name)}{draws} {' '.join(metrics)}"
