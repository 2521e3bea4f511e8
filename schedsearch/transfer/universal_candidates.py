"""Lists what may become a universal schedule: winners and their means, published schedules, formulas, lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.named import chosen_on, universal_schedules
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import space_for
from schedsearch.strategies.auto import lines
from schedsearch.transfer.participants import Participant


@dataclass(frozen=True)
class Origin:
    """A speaker, or a dialect, whose voices may influence a schedule."""

    speaker: str = ""
    dialect: str = ""

    def __str__(self) -> str:
        """Names it in a table."""
        return self.speaker or f"{self.dialect}'s dialect"


@dataclass(frozen=True)
class UniversalCandidate:
    """A schedule, and the speakers and dialects whose voices influenced it."""

    name: str
    schedule: NoiseSchedule
    origins: frozenset[Origin] = frozenset()


def origins_of(voice: Participant) -> frozenset[Origin]:
    """Returns the speaker and the dialect of a voice."""
    return frozenset({Origin(speaker=voice.voice.speaker), Origin(dialect=voice.dialect)})


def universal_candidates(participants: Sequence[Participant], iterations: int) -> list[UniversalCandidate]:
    """Lists each schedule once. A winner that is also a baseline is influenced by no speaker.

    Earlier universal schedules are left out, so that a choice made again from the same voices is the same.
    """
    candidates = [UniversalCandidate(n, s) for n, s in baselines(iterations).items() if n not in universal_schedules()]
    for line in lines(space_for(iterations)):
        name = f"straight log-SNR line {line.log_snr[0]:.3g} to {line.log_snr[-1]:.3g}"
        candidates.append(UniversalCandidate(name, line))
    having = [voice for voice in participants if iterations in voice.winners]
    for voice in having:
        winner = voice.winners[iterations]
        influences = _influences(voice, iterations, participants)
        candidates.append(UniversalCandidate(winner.name, winner.schedule, influences))
    candidates += _means(having, participants, iterations)
    first: dict[NoiseSchedule, UniversalCandidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.schedule, candidate)
    return list(first.values())


def mean(schedules: Sequence[NoiseSchedule]) -> NoiseSchedule:
    """Averages equally long schedules in log-SNR; a mean of falling curves falls."""
    return NoiseSchedule.from_log_snr(np.mean([schedule.log_snr for schedule in schedules], axis=0))


def _means(
    having: Sequence[Participant], participants: Sequence[Participant], iterations: int
) -> Iterator[UniversalCandidate]:
    """Averages every two winners, those of all but one speaker, and all."""
    without = (
        tuple(voice for voice in having if voice.voice.speaker != speaker)
        for speaker in sorted({voice.voice.speaker for voice in having})
    )
    groups = [*combinations(having, 2), *without, tuple(having)]
    for group in {tuple(voice.label for voice in group): group for group in groups}.values():
        if len(group) > 1:
            origins = frozenset[Origin]().union(*(_influences(voice, iterations, participants) for voice in group))
            schedule = mean([voice.winners[iterations].schedule for voice in group])
            yield UniversalCandidate(f"mean of {', '.join(voice.label for voice in group)}", schedule, origins)


def _influences(voice: Participant, iterations: int, participants: Sequence[Participant]) -> frozenset[Origin]:
    """Returns the speakers and dialects of the voices that influenced the voice's winner.

    Of voices with the same winner these are the ones that found it and did not begin from it. Where all began from it,
    all of them, and the speakers that it was found for in another length. Where it is a universal schedule, also those
    who chose it.
    """
    winner = voice.winners[iterations].schedule
    same = [p for p in participants if iterations in p.winners and p.winners[iterations].schedule == winner]
    finders = [p for p in same if iterations not in p.borrowed] or same
    named = chosen_on(winner) | {dataset for p in finders if (dataset := p.borrowed.get(iterations))}
    voices = [*finders, *(p for p in participants if p.voice.dataset in named)]
    unknown = named - {p.voice.dataset for p in participants}
    return frozenset[Origin]().union(*map(origins_of, voices), (Origin(speaker=name) for name in unknown))
