"""What may become a universal schedule: winners and their means, the published ones, formulas and straight lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from schedsearch.choice import lines
from schedsearch.families import baselines, universal_names
from schedsearch.run import space_for
from schedsearch.schedule import NoiseSchedule
from schedsearch.transfer.judges import Judge


@dataclass(frozen=True)
class Offer:
    """A schedule, and the speakers without whose recordings nobody would have it."""

    name: str
    schedule: NoiseSchedule
    speakers: frozenset[str] = frozenset()


def offers(judges: Sequence[Judge], iterations: int) -> list[Offer]:
    """Each schedule once; one that stands published as well owes nothing to a voice that found it again.

    What was universal before is none: a choice made again from the same voices is the same.
    """
    found = [Offer(n, s) for n, s in baselines(iterations).items() if n not in universal_names()]
    for line in lines(space_for(iterations)):
        found.append(Offer(f"straight log-SNR line {line.log_snr[0]:.3g} to {line.log_snr[-1]:.3g}", line))
    found += [*_winners(judges, iterations), *_means(judges, iterations)]
    once: dict[NoiseSchedule, Offer] = {}
    for offer in found:
        once.setdefault(offer.schedule, offer)
    return list(once.values())


def _winners(judges: Sequence[Judge], iterations: int) -> list[Offer]:
    return [
        Offer(judge.winners[iterations].name, judge.winners[iterations].schedule, frozenset({judge.voice.speaker}))
        for judge in judges
        if iterations in judge.winners
    ]


def _means(judges: Sequence[Judge], iterations: int) -> Iterator[Offer]:
    """Of two winners each, of all but one speaker's, and of all."""
    own = {judge.label: judge for judge in judges if iterations in judge.winners}
    without = (
        tuple(label for label, judge in own.items() if judge.voice.speaker != left_out)
        for left_out in sorted({judge.voice.speaker for judge in own.values()})
    )
    for labels in dict.fromkeys([*combinations(own, 2), *without, tuple(own)]):
        if len(labels) > 1:
            speakers = frozenset(own[label].voice.speaker for label in labels)
            members = [own[label].winners[iterations].schedule for label in labels]
            yield Offer(f"mean of {', '.join(labels)}", mean(members), speakers)


def mean(schedules: Sequence[NoiseSchedule]) -> NoiseSchedule:
    """Of equally long ones, in log-SNR: a mean of falling curves falls."""
    return NoiseSchedule.from_log_snr(np.mean([schedule.log_snr for schedule in schedules], axis=0))
