"""The winner and the best baseline meet on held-out clips with fresh noise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.paired import Comparison, compare
from schedsearch.evaluation.scores import joined
from schedsearch.metrics.registry import Metric
from schedsearch.search.finalists import finalists
from schedsearch.search.loop import Progress
from schedsearch.study.candidate import Candidate, plain_score, score_from
from schedsearch.study.shared_work import share_out
from schedsearch.study.store import Store
from vocoder.errors import InputError

STEPS_AT_ONCE = 12  # on all held-out clips: a piece takes a few minutes where networks are slow, and seconds elsewhere


@dataclass(frozen=True)
class Verdict:
    """What ships, and the evidence."""

    winner: Candidate
    baseline: Candidate
    objective: str
    comparisons: tuple[Comparison, ...]

    @property
    def improves(self) -> bool:
        """Whether the winner is better in the objective, at 95 %, and fails no more often than the baseline: the
        difference is of sound clips alone."""
        return next(c for c in self.comparisons if c.metric == self.objective).better

    @property
    def shipped(self) -> Candidate:
        """The winner if it improves on the baseline, else the baseline."""
        return self.winner if self.improves else self.baseline


def judge(store: Store, evaluator: Evaluator, draws: tuple[int, ...]) -> Iterator[Progress]:
    """Scores the two best of their kinds on held-out clips, and keeps the scores: a long schedule's piece by piece, so
    that hours of work show where they are and lose little when they are stopped."""
    pair = {_key(candidate, draws, evaluator.metric_names): candidate for candidate in _pair(store)}
    whole = {key: candidate for key, candidate in pair.items() if store.recall(key) is None}
    works = {work.key: work for key, candidate in whole.items() for work in _pieces(key, candidate, evaluator)}
    for key in share_out(store, list(works), lambda key: store.recall(key) is not None):
        work = works[key]
        [evaluation] = work.evaluator.evaluate([work.candidate.schedule], draws)
        store.remember(key, {n: plain_score(s) for n, s in evaluation.scores.items()})
        done = sum(store.recall(key) is not None for key in works)
        yield Progress("held-out clips", done / len(works), work.candidate)
    for key in whole:
        _join(store, key, [work for work in works.values() if work.whole == key], evaluator)


@dataclass(frozen=True)
class _Piece:
    """Some held-out clips of one of the two."""

    key: str  # in the store
    whole: str  # the key of all clips
    candidate: Candidate
    evaluator: Evaluator


def _pieces(key: str, candidate: Candidate, evaluator: Evaluator) -> Iterator[_Piece]:
    parts = evaluator.pieces(ceil(len(candidate.schedule) / STEPS_AT_ONCE))
    for number, part in enumerate(parts, start=1):
        own = key if len(parts) == 1 else f"{key}, {number} of {len(parts)}"
        yield _Piece(own, key, candidate, part)


def _join(store: Store, key: str, pieces: Sequence[_Piece], evaluator: Evaluator) -> None:
    """Keeps the scores of all clips, once all pieces are done."""
    if len(pieces) == 1:
        return
    found = [(piece.evaluator.clip_names, store.recall(piece.key)) for piece in pieces]
    scores = {
        name: joined(evaluator.clip_names, [(clips, score_from(kept[name])) for clips, kept in found])
        for name in evaluator.metric_names
    }
    store.remember(key, {name: plain_score(score) for name, score in scores.items()})


def judged(store: Store, metrics: tuple[str, ...], draws: tuple[int, ...]) -> bool:
    """Whether the two that are best now are those that `judge` scored."""
    return all(store.recall(_key(candidate, draws, metrics)) is not None for candidate in _pair(store))


def verdict(store: Store, metrics: list[Metric], draws: tuple[int, ...], *, seed: int) -> Verdict:
    """From the kept scores of `judge`; InputError where another process has moved the search's end since."""
    winner, baseline = _pair(store)
    names = tuple(metric.name for metric in metrics)
    if not judged(store, names, draws):
        raise InputError("another process has added to this search meanwhile; the same command goes on with it")
    kept = [store.recall(_key(candidate, draws, names)) for candidate in (winner, baseline)]
    comparisons = tuple(compare(m, score_from(kept[0][m.name]), score_from(kept[1][m.name]), seed) for m in metrics)
    return Verdict(winner, baseline, store.objective, comparisons)


def _pair(store: Store) -> tuple[Candidate, Candidate]:
    ranked = finalists(store)
    searched = [c for c in ranked if c.kind != "baseline"]
    given = [c for c in ranked if c.kind == "baseline"]
    if not searched:
        raise _all_failed("candidate", store.candidates())
    if not given:
        raise _all_failed("baseline", store.baselines())
    return searched[0], given[0]


def _all_failed(kind: str, found: list[Candidate]) -> InputError:
    if not found:
        return InputError(f"the search has no {kind}: its strategy proposed none; choose another STRATEGY or GRID")
    reason = next((c.failures[0] for c in found if c.failures), "only on the finalists' noise draws")
    return InputError(f"every {kind} failed: {reason}; check the checkpoint and its configuration")


def _key(candidate: Candidate, draws: tuple[int, ...], metrics: tuple[str, ...]) -> str:
    return f"held out {candidate.name} {draws} {' '.join(metrics)}"
