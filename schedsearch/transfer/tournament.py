"""Opens voices, and scores every voice's winners and universal schedules on every voice's clips."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from schedsearch.comparison.contest import Settings, open_scoring
from schedsearch.comparison.entrants import Entrant, baselines_of
from schedsearch.comparison.scoring import Scoring
from schedsearch.schedules.named import universal_schedules
from schedsearch.transfer.participants import (
    Participant,
    common_lengths,
    find_participants,
    for_another_objective,
    with_these_weights,
)
from schedsearch.transfer.relations import OTHER_DIALECTS, STRANGERS, UNIVERSAL
from schedsearch.transfer.universal import Choice, choose, without
from schedsearch.transfer.universal_candidates import Origin, UniversalCandidate, universal_candidates
from schedsearch.voice.opened import search_clips

FOLDER = "transfer"  # below the results folder
CHOOSING_SECONDS = 1.6  # of each search clip at most: dozens of candidates are scored on all voices
Steps = Iterator[tuple[float, str]]


@dataclass(frozen=True)
class Tournament:
    """Voices opened to judge one another's schedules."""

    settings: Settings
    lengths: tuple[int, ...]
    participants: tuple[Participant, ...]
    left_out: tuple[str, ...]  # voices and winners, and why
    held_out: Mapping[str, Scoring]  # by label: the held-out clips, which judge
    searching: Mapping[str, Scoring]  # by label: the search clips, which choose universal schedules; objective alone
    kept: Mapping[int, UniversalCandidate] = field(default_factory=dict)  # universal schedules that are settled already

    @property
    def folder(self) -> Path:
        """The results folder."""
        return self.settings.results / FOLDER

    @cached_property
    def candidates(self) -> dict[int, list[UniversalCandidate]]:
        """Candidates of a universal schedule, by length."""
        return {n: universal_candidates(self.participants, n) for n in self.lengths}

    def foreign_objectives(self) -> list[str]:
        """Names the winners that were searched for another metric than decides here."""
        named = ((voice, self.searching[voice.label].metrics[0].name) for voice in self.participants)
        return [line for voice, metric in named for line in for_another_objective(voice, metric, self.lengths)]

    def choosing(self) -> Steps:
        """Scores all candidates on the search clips of the voices that have a winner to compare them with."""
        return self._steps(self.searching, self._candidates_for)

    def judging(self) -> Steps:
        """Scores all entrants on the held-out clips; after `choosing`, which settles the universal schedules."""
        return self._steps(self.held_out, lambda judge: [e for n in self.lengths for e in self.entrants(judge, n)])

    def evaluations(self) -> int:
        """Counts network evaluations still to do, without those that judge universal schedules."""
        count = 0
        for judge in self.participants:
            known = [entrant for n in self.lengths for entrant in self._known_entrants(judge, n)]
            searching = self.searching[judge.label].parts(self._candidates_for(judge))
            count += sum(part.evaluations for part in (*searching, *self.held_out[judge.label].parts(known)))
        return count

    @cached_property
    def choices(self) -> dict[int, Choice]:
        """By length, the choice of all voices or what is kept; after `choosing`. Lengths without a choice are missing.
        """
        candidates = self.candidates | {n: [schedule] for n, schedule in self.kept.items()}
        choices = {n: choose(candidates[n], self.participants, self.searching, n) for n in self.lengths}
        return {n: choice for n, choice in choices.items() if choice is not None}

    @cached_property
    def choices_of_others(self) -> dict[tuple[int, Origin], Choice]:
        """By length and origin, the choice made without the voices and winners of that speaker or dialect."""
        origins = [Origin(speaker=voice.voice.speaker) for voice in self.participants]
        dialects = {Origin(dialect=voice.dialect): None for voice in self.participants}
        choices = {}
        for n in self.lengths:
            for origin in dict.fromkeys([*origins, *(dialects if len(dialects) > 1 else ())]):
                candidates, others = without(origin, self.candidates[n], self.participants)
                if (choice := choose(candidates, others, self.searching, n)) is not None:
                    choices[n, origin] = choice
        return choices

    def entrants(self, judge: Participant, iterations: int) -> list[Entrant]:
        """Lists one length's schedules for one judge: its own winner, other winners, baselines, universal ones."""
        entrants, name = self._known_entrants(judge, iterations), f"universal-{iterations}"
        speaker, dialect = Origin(speaker=judge.voice.speaker), Origin(dialect=judge.dialect)
        for choice, chosen, source in (
            (self.choices.get(iterations), name, UNIVERSAL),
            (self.choices_of_others.get((iterations, speaker)), f"{name} without {speaker}", STRANGERS),
            (self.choices_of_others.get((iterations, dialect)), f"{name} without {dialect}", OTHER_DIALECTS),
        ):
            if choice is not None:
                entrants.append(Entrant(chosen, "given", source, choice.candidate.schedule))
        return entrants

    def _known_entrants(self, judge: Participant, iterations: int) -> list[Entrant]:
        """Leaves out universal schedules: shipped ones would stand beside those that are chosen now."""
        others = [other for other in self.participants if other is not judge]
        winners = [voice.winners[iterations] for voice in (judge, *others) if iterations in voice.winners]
        shipped = universal_schedules()
        return [*winners, *(entrant for entrant in baselines_of(iterations) if entrant.name not in shipped)]

    def _candidates_for(self, judge: Participant) -> list[Entrant]:
        own = [n for n in self.lengths if n in judge.winners]
        candidates = [c for n in own for c in (*self.candidates[n], *([self.kept[n]] if n in self.kept else ()))]
        return [Entrant(c.name, "given", "candidate", c.schedule) for c in candidates]

    def _steps(self, scorings: Mapping[str, Scoring], entrants: Callable[[Participant], Sequence[Entrant]]) -> Steps:
        for place, judge in enumerate(self.participants):
            for done, name in scorings[judge.label].steps(entrants(judge)):
                yield (place + done) / len(self.participants), f"{judge.label}: {name}"


def open_tournament(settings: Settings, voices: Sequence[str], experiments: Path) -> Tournament:
    """Reads schedules, vocoders and clips of the voices; InputError in one line for whatever is wrong."""
    candidates, left_out = find_participants(voices, experiments, settings.results)
    common_lengths(candidates, settings.lengths)  # before anything is loaded
    held_out = {voice.label: open_scoring(voice.voice, settings) for voice in candidates}
    participants = []
    for voice in candidates:
        vocoder = held_out[voice.label].vocoder
        of_now, reasons = with_these_weights(voice, vocoder.weights_hash)
        participants.append(replace(of_now, dialect=vocoder.dialect.name))
        left_out += reasons
    lengths = common_lengths(participants, settings.lengths)
    searching = {voice.label: _on_search_clips(held_out[voice.label], voice, settings) for voice in participants}
    return Tournament(settings, tuple(lengths), tuple(participants), tuple(left_out), held_out, searching)


def _on_search_clips(scoring: Scoring, voice: Participant, settings: Settings) -> Scoring:
    clips = search_clips(voice.voice, scoring.vocoder, min(settings.seconds, CHOOSING_SECONDS))
    return replace(scoring, clips=clips, metrics=scoring.metrics[:1])
