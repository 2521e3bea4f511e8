"""Finds the voices that take part: each brings its winners, and judges all winners with its clips."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from schedsearch.comparison.entrants import (
    Entrant,
    is_of_these_weights,
    lengths_with_winners,
    winners_of,
)
from schedsearch.schedules.files import read_provenance
from schedsearch.search.settings import SHIPPED
from schedsearch.search.warm_starts import BEGAN_FROM
from schedsearch.voice.config import Voice, known_datasets, known_rates, load_voice, none_in
from vocoder.audio.listed_clips import are_present
from vocoder.errors import InputError

AT = "@"  # between a dataset and a rate


@dataclass(frozen=True)
class Participant:
    """A voice and the winners of its own searches, by length."""

    voice: Voice
    winners: Mapping[int, Entrant]
    # Lengths whose winner is a warm start -> the dataset that it was searched for, "" where unknown.
    borrowed: Mapping[int, str] = field(default_factory=dict)
    dialect: str = ""  # of its checkpoint, once that is loaded
    candidates: Mapping[int, Sequence[Entrant]] = field(default_factory=dict)  # the user's winners and shipped ones

    @property
    def label(self) -> str:
        """Returns dataset/ratehz, the name of its results folder."""
        return self.voice.label


def find_participants(chosen: Sequence[str], experiments: Path, results: Path) -> tuple[list[Participant], list[str]]:
    """Returns the chosen voices, or all that have a checkpoint and clips; and why the others do not take part.

    "demo" is a voice at every rate, "demo@8000" at one. InputError for an unknown voice and for less than two.
    """
    names = chosen or known_datasets(experiments)
    if not names:
        raise InputError(none_in(experiments))
    voices = list(named_voices(names, experiments))
    missing = {} if chosen else {place: why for place, voice in enumerate(voices) if (why := _missing(voice))}
    participants = [_participant(voice, results) for place, voice in enumerate(voices) if place not in missing]
    if len(participants) < 2:
        have = participants[0].label if participants else "none"
        reasons = f" ({'; '.join(missing.values())})" if missing else ""
        raise InputError(
            f"a transfer needs two voices or more, and has {have}{reasons}; "
            'name some with VOICES="demo june-16k", or obtain their data'
        )
    return participants, list(missing.values())


def with_these_weights(participant: Participant, weights_hash: str) -> tuple[Participant, list[str]]:
    """Takes of each length the first winner that was searched on these weights, and names those of other weights.

    A winner whose file does not say was.
    """
    winners, reasons = {}, []
    for n, candidates in participant.candidates.items():
        fitting = [winner for winner in candidates if is_of_these_weights(winner, weights_hash)]
        if fitting:
            winners[n] = fitting[0]
        else:
            checkpoint = participant.voice.checkpoint
            reasons += [
                f"{winner.source} was searched on other weights than {checkpoint} has; search again"
                for winner in candidates
            ]
    return replace(participant, winners=winners, borrowed=_borrowed(winners)), reasons


def for_another_objective(participant: Participant, metric: str, lengths: Iterable[int]) -> list[str]:
    """Names own winners that were searched for another metric: losses beside them are not due to the search alone."""
    lines = []
    for winner in (participant.winners[n] for n in lengths if n in participant.winners):
        objective = read_provenance(Path(winner.source)).get("objective", metric)
        if objective != metric:
            lines.append(f"{winner.source} was searched for {objective}, and is judged by {metric}")
    return lines


def common_lengths(
    participants: Sequence[Participant], asked: Sequence[int], left_out: Sequence[str] = ()
) -> list[int]:
    """Returns the lengths asked for, or all of which two voices have a winner, shortest first.

    InputError for a length of which less than two voices have one, with the reasons of those left out.
    """
    counts = Counter(n for participant in participants for n in participant.winners)
    lengths = sorted(set(asked)) or sorted(n for n, count in counts.items() if count >= 2)
    short = [n for n in lengths if counts[n] < 2]
    if not lengths or short:
        what = f"{short[0]} iterations" if short else "the same length"
        labels = ", ".join(participant.label for participant in participants)
        raise InputError(
            f"a transfer needs winners of {what} from two voices or more of {labels}"
            f"{''.join(f' ({reason})' for reason in left_out)}; "
            f'search them first: make search-all DATASET=... ITERS="{" ".join(map(str, short or [6, 12]))}"'
        )
    return lengths


def named_voices(names: Iterable[str], experiments: Path) -> Iterator[Voice]:
    """Loads each voice once, in the order of the names; InputError for an unknown one."""
    seen = set()
    for name in names:
        dataset, at, rate = name.partition(AT)
        if at and not rate.isdecimal():
            raise InputError(f"VOICES must be datasets, or such as demo@8000, and has {name!r}; correct it")
        for hertz in [int(rate)] if at else known_rates(dataset, experiments):
            if (dataset, hertz) not in seen:
                seen.add((dataset, hertz))
                yield load_voice(dataset, hertz, experiments=experiments)


def _missing(voice: Voice) -> str | None:
    """Says what a voice lacks; None where it has a checkpoint and clips."""
    label = f"{voice.dataset} at {voice.sample_rate} Hz"
    if not voice.checkpoint.is_file():
        return f"{label} has no checkpoint"
    if not all(are_present(clips) for clips in (voice.search_clips, voice.held_out_clips)):
        return f"{label} has no clips" + (f" ({voice.training.obtain})" if voice.training else "")
    return None


def _participant(voice: Voice, results: Path) -> Participant:
    """Returns the voice with its own winner of every length, the user's before the shipped one."""
    own, shipped = results / voice.label, results / SHIPPED / voice.label
    name = f"winner of {voice.label}"
    candidates = {
        length: [replace(winner, name=name) for winner in winners_of(own, shipped, length)]
        for length in lengths_with_winners(own, shipped)
    }
    winners = {length: first for length, (first, *_) in candidates.items()}
    return Participant(voice, winners, _borrowed(winners), candidates=candidates)


def _borrowed(winners: Mapping[int, Entrant]) -> dict[int, str]:
    facts = {n: read_provenance(Path(winner.source)) for n, winner in winners.items()}
    return {n: _dataset(f.get(BEGAN_FROM)) for n, f in facts.items() if f.get("kind") == "warm start"}


def _dataset(neighbour: object) -> str:
    """Returns the dataset of "demo/16000hz/25 steps"."""
    return neighbour.partition("/")[0] if isinstance(neighbour, str) else ""
