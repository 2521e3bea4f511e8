"""Finds out on the user's clips whether a network is trained, and with which front end.

A variant that is better than the given setup replaces it, and its own variants are tried in turn. So settings that are
wrong together are found one after the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vocoder.audio.reading import Clip
from vocoder.errors import InputError
from vocoder.front_end_check.contest import WEAK, Contest, Row, contest, row
from vocoder.front_end_check.examination import USUAL, Effort, Examination
from vocoder.front_end_check.measuring import PIECE_SECONDS, Denoiser, Scores, mel_pieces_of, pieces_of
from vocoder.front_end_check.setups import Setup
from vocoder.front_end_check.variants import spelt

Kind = Literal["matches", "weak", "mismatch", "deaf", "misheard", "untrained", "broken", "foreign"]

VERSION = 5  # of what is measured and how it is judged; stored diagnoses of other versions are made again
LEAST_PIECES = 3  # fewer vary too much for a paired test
ROUNDS = 3  # most settings that are found wrong together
UNTRAINED = 0.5  # of the way from the Wiener filter's error to that of predicting zero noise
FOREIGN = 0.8  # of what the recordings' own mels gain over other clips' mels; a TTS's mels that lose it serve badly
DEAF = 0.02  # other clips' mels raise the error by less than a fiftieth
HEARD = 0.02  # of a piece's score; a network that ignores the mel does not change it by so much with another one


@dataclass(frozen=True)
class Diagnosis:
    """The result of a check. Scores are logarithms of the network's error over the Wiener filter's: less is better."""

    kind: Kind
    changes: tuple[tuple[str, str], ...]  # setting and value that suit the network
    ties: tuple[str, ...]  # variants that cannot be told from the changed (or unchanged) setup
    given: float  # score of the given setup
    best: float  # score with the changes
    others_mels: float  # score with other clips' mels
    random_weights: float | None  # of the same network with random weights; None where it has no weights
    zero: float  # of predicting zero noise
    pieces: int
    tried: int  # variants, in the first round
    network_evaluations: int
    rows: tuple[Row, ...]
    highest_frequency: float | None = None  # Hz; no sound is above it. None: there is up to half the rate
    given_mels: float | None = None  # score with the mels of a TTS; None without any

    @property
    def passes(self) -> bool:
        """Tells whether a search makes sense."""
        return self.kind in ("matches", "weak")

    @classmethod
    def from_plain(cls, stored: Mapping[str, Any]) -> "Diagnosis":
        """Restores a diagnosis from its `asdict`, also one that was stored as JSON."""
        changes = tuple((setting, value) for setting, value in stored["changes"])
        rows = tuple(Row(**row) for row in stored["rows"])
        return cls(**{**stored, "changes": changes, "rows": rows, "ties": tuple(stored["ties"])})


def too_short(clips: Sequence[Clip], hop_length: int) -> str | None:
    """Says why these clips are too few for a check; None where they suffice."""
    count = len(pieces_of(clips, hop_length)) if clips else 0
    if count >= LEAST_PIECES:
        return None
    return f"a voice is checked on {LEAST_PIECES} pieces of up to {PIECE_SECONDS} s or more, and its clips give {count}"


def diagnose(denoiser: Denoiser, clips: Sequence[Clip], *, seed: int = 0, effort: Effort = USUAL) -> Diagnosis:
    """Checks a vocoder on clips that it was not trained on: about 900 network evaluations of 0.4 s where all is well.

    Raises InputError for clips that are `too_short`.
    """
    if reason := too_short(clips, denoiser.front_end.hop_length):
        raise InputError(f"{reason}; give more or longer ones")
    hop_length = denoiser.front_end.hop_length
    pieces, mels = pieces_of(clips, hop_length), mel_pieces_of(clips, hop_length)
    return examined(Examination(denoiser, pieces, seed, effort, mels=mels), Setup(denoiser.front_end))


def examined(examination: Examination, given: Setup) -> Diagnosis:
    """Checks the given setup of the vocoder under examination."""
    first = examination.full(given)
    setup, scores, rounds = given, first, list[Contest]()
    while first.finite and len(rounds) < ROUNDS:
        rounds.append(contest(examination, setup, scores))
        if rounds[-1].winner is None:
            break
        setup, scores = rounds[-1].winner.of(setup), rounds[-1].scores
    others, random = examination.full(setup, mels_of_others=True), examination.random(setup)
    beside = [row("mels of other clips", others, scores)]
    beside += [] if random is None else [row("random weights", random, scores)]
    with_given = examination.with_given_mels(given)
    beside += [] if with_given is None else [row("mels of the TTS", with_given, scores)]
    won = [played for played in rounds if played.winner]
    kind = _kind(scores, others, bool(won))
    if kind == "deaf" and _is_heard(first, examination.full(given, mels_of_others=True)):
        kind = "misheard"
    if kind in ("matches", "weak") and with_given and _is_foreign(with_given, scores, others):
        kind = "foreign"
    sound = kind in ("matches", "weak", "mismatch", "foreign")  # what suits a network that has learnt nothing is chance
    return Diagnosis(
        kind=kind,
        changes=_changes(given, won) if sound else (),
        ties=next((played.ties for played in (*won[-1:], *rounds)), ()) if sound else (),
        given=first.mean,
        best=scores.mean,
        others_mels=others.mean,
        random_weights=None if random is None else random.mean,
        zero=float(scores.zero.mean()),
        pieces=len(first.pieces),
        tried=max((played.tried for played in rounds), default=0),
        network_evaluations=examination.evaluations,
        highest_frequency=examination.highest_frequency,
        given_mels=None if with_given is None else with_given.mean,
        rows=(*(line for played in rounds for line in played.rows), *beside),
    )


def _changes(given: Setup, won: Sequence[Contest]) -> tuple[tuple[str, str], ...]:
    """Returns setting and value of each winner, and the later value where a setting changed twice."""
    changes: dict[str, str] = {}
    for played in won:
        if played.winner is not None:
            changes |= spelt(played.winner, given)
            given = played.winner.of(given)
    return tuple(changes.items())


def _is_heard(own: Scores, others: Scores) -> bool:
    """Tells whether other clips' mels change what a network does on single pieces, for better or worse.

    So they do with a trained network whose front end is wrong in ways that no variant mends. What variant suits it best
    is then one that makes its mels all alike, so this looks at the given setup.
    """
    return float(np.abs(own.pieces - others.pieces).mean()) > HEARD


def _is_foreign(with_given: Scores, own: Scores, others: Scores) -> bool:
    """Tells whether the network does much worse with a TTS's mels than with the recordings' own."""
    return not with_given.finite or with_given.mean - own.mean > FOREIGN * (others.mean - own.mean)


def _kind(best: Scores, others: Scores, changed: bool) -> Kind:
    """Judges the best setup by its scores.

    A network that uses its mel has learnt something. One that does worse than predicting zero has not: the larger
    damaged weights are, the more the mel moves their output.
    """
    if not best.finite:
        return "broken"
    zero = float(best.zero.mean())
    if best.mean > zero:
        return "untrained"
    if others.mean - best.mean < DEAF:
        return "untrained" if best.mean > UNTRAINED * zero else "deaf"
    if changed:
        return "mismatch"
    return "weak" if best.mean > WEAK else "matches"
