"""Everybody's schedules on everybody's clips, and the universal schedules that follow from them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from schedsearch.comparison.contest import Settings, open_scoring
from schedsearch.comparison.entrants import Entrant, baselines_of
from schedsearch.comparison.scoring import Part, Scoring
from schedsearch.schedules.named import universal_names
from schedsearch.transfer.judges import Judge, for_another_objective, judges, lengths_of, of_these_weights
from schedsearch.transfer.offers import Offer, offers
from schedsearch.transfer.universal import Choice, choose, without_speaker
from schedsearch.voice.opened import search_clips

FOLDER = "transfer"  # below the results folder
UNIVERSAL, STRANGERS = "universal", "universal without the speaker"  # where an entrant comes from
Steps = Iterator[tuple[float, str]]


@dataclass(frozen=True)
class Exchange:
    """Voices opened to judge one another's schedules."""

    settings: Settings
    lengths: tuple[int, ...]
    judges: tuple[Judge, ...]
    left_out: tuple[str, ...]  # voices and winners, and why
    held_out: Mapping[str, Scoring]  # by label: what judges
    searching: Mapping[str, Scoring]  # by label: what a universal schedule is chosen on, in the objective alone

    @property
    def folder(self) -> Path:
        """Of the results."""
        return self.settings.results / FOLDER

    @cached_property
    def offers(self) -> dict[int, list[Offer]]:
        """By length: what may become universal."""
        return {n: offers(self.judges, n) for n in self.lengths}

    def foreign_objectives(self) -> list[str]:
        """Own winners that were searched for another metric than decides here."""
        named = ((judge, self.searching[judge.label].metrics[0].name) for judge in self.judges)
        return [line for judge, metric in named for line in for_another_objective(judge, metric, self.lengths)]

    def choosing(self) -> Steps:
        """Scores all offers on the search clips of the voices that have a winner to compare them with."""
        return self._steps(self.searching, self._offered_to)

    def judging(self) -> Steps:
        """Scores all entrants on the held-out clips; after `choosing`, which says what is universal."""
        return self._steps(self.held_out, lambda judge: [e for n in self.lengths for e in self.entrants(judge, n)])

    def evaluations(self) -> int:
        """Counts network evaluations still to do, without those that judge universal schedules."""
        todo = (
            [*self.searching[judge.label].parts(self._offered_to(judge)), *self._known_parts(judge)]
            for judge in self.judges
        )
        return sum(part.evaluations for parts in todo for part in parts)

    @cached_property
    def choices(self) -> dict[int, Choice]:
        """By length, of all voices; after `choosing`. Lengths that nobody could choose for are missing."""
        found = {n: choose(self.offers[n], self.judges, self.searching, n) for n in self.lengths}
        return {n: choice for n, choice in found.items() if choice is not None}

    @cached_property
    def choices_of_others(self) -> dict[tuple[int, str], Choice]:
        """By length and speaker: what is chosen without that speaker's voices and winners."""
        found = {}
        for n in self.lengths:
            for speaker in dict.fromkeys(judge.voice.speaker for judge in self.judges):
                offered, others = without_speaker(speaker, self.offers[n], self.judges)
                if (choice := choose(offered, others, self.searching, n)) is not None:
                    found[n, speaker] = choice
        return found

    def entrants(self, judge: Judge, iterations: int) -> list[Entrant]:
        """Of one length for one voice: all winners, its own first, then baselines, then universal ones."""
        found, speaker = self._known_entrants(judge, iterations), judge.voice.speaker
        for choice, name, source in (
            (self.choices.get(iterations), f"universal-{iterations}", UNIVERSAL),
            (self.choices_of_others.get((iterations, speaker)), f"universal-{iterations} without {speaker}", STRANGERS),
        ):
            if choice is not None:
                found.append(Entrant(name, "given", source, choice.offer.schedule))
        return found

    def _known_entrants(self, judge: Judge, iterations: int) -> list[Entrant]:
        """Without what is universal: shipped ones would stand beside those that are chosen now."""
        others = [other for other in self.judges if other is not judge]
        winners = [one.winners[iterations] for one in (judge, *others) if iterations in one.winners]
        shipped = universal_names()
        return [*winners, *(entrant for entrant in baselines_of(iterations) if entrant.name not in shipped)]

    def _offered_to(self, judge: Judge) -> list[Entrant]:
        own = [n for n in self.lengths if n in judge.winners]
        return [Entrant(o.name, "given", "offer", o.schedule) for n in own for o in self.offers[n]]

    def _known_parts(self, judge: Judge) -> Iterator[Part]:
        known = [entrant for n in self.lengths for entrant in self._known_entrants(judge, n)]
        return self.held_out[judge.label].parts(known)

    def _steps(self, scorings: Mapping[str, Scoring], entrants: Callable[[Judge], Sequence[Entrant]]) -> Steps:
        for place, judge in enumerate(self.judges):
            for done, name in scorings[judge.label].steps(entrants(judge)):
                yield (place + done) / len(self.judges), f"{judge.label}: {name}"


def open_exchange(settings: Settings, voices: Sequence[str], experiments: Path) -> Exchange:
    """Reads schedules, vocoders and clips of the voices; InputError in one line for whatever is wrong."""
    known, left_out = judges(voices, experiments, settings.results)
    lengths_of(known, settings.lengths)  # before anything is loaded
    held_out = {judge.label: open_scoring(judge.voice, settings) for judge in known}
    taking_part = []
    for judge in known:
        of_now, reasons = of_these_weights(judge, held_out[judge.label].vocoder.weights_hash)
        taking_part.append(of_now)
        left_out += reasons
    lengths = lengths_of(taking_part, settings.lengths)
    searching = {judge.label: _on_search_clips(held_out[judge.label], judge, settings) for judge in taking_part}
    return Exchange(settings, tuple(lengths), tuple(taking_part), tuple(left_out), held_out, searching)


def _on_search_clips(scoring: Scoring, judge: Judge, settings: Settings) -> Scoring:
    clips = search_clips(judge.voice, scoring.vocoder, settings.seconds)
    return replace(scoring, clips=clips, metrics=scoring.metrics[:1])
