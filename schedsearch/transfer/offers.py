"""What may become a universal schedule: winners and their means, the published ones, formulas and straight lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.named import chosen_on, universal_names
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import space_for
from schedsearch.strategies.auto import lines
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
        Offer(judge.winners[iterations].name, judge.winners[iterations].schedule, _owed(judge, iterations, judges))
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
            speakers = frozenset[str]().union(*(_owed(own[label], iterations, judges) for label in labels))
            members = [own[label].winners[iterations].schedule for label in labels]
            yield Offer(f"mean of {', '.join(labels)}", mean(members), speakers)


def _owed(judge: Judge, iterations: int, judges: Sequence[Judge]) -> frozenset[str]:
    """To whom a voice's winner is owed: of those with the same one, to who found it and did not begin from it, or to
    all of them and to those for whom it was found in another length; and where it is a universal schedule, to those who
    chose that."""
    winner = judge.winners[iterations].schedule
    same = [one for one in judges if iterations in one.winners and one.winners[iterations].schedule == winner]
    found = [one for one in same if iterations not in one.borrowed] or same
    chose = [one for one in judges if one.voice.dataset in chosen_on(winner)]
    speakers = {one.voice.dataset: one.voice.speaker for one in judges}
    origins = {dataset for one in found if (dataset := one.borrowed.get(iterations))}
    owed = {one.voice.speaker for one in (*found, *chose)} | {speakers.get(dataset, dataset) for dataset in origins}
    return frozenset(owed) | chosen_on(winner)


def mean(schedules: Sequence[NoiseSchedule]) -> NoiseSchedule:
    """Of equally long ones, in log-SNR: a mean of falling curves falls."""
    return NoiseSchedule.from_log_snr(np.mean([schedule.log_snr for schedule in schedules], axis=0))
