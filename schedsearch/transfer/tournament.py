"""Opens voices, and scores every voice's winners and universal schedules on every voice's clips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from schedsearch.comparison.contest import Settings, open_scoring
from schedsearch.comparison.entrants import FORMULA, PUBLISHED, Entrant, baselines_of
from schedsearch.comparison.scoring import Scoring
from schedsearch.transfer.minimax import Choice, Decision, Jury
from schedsearch.transfer.participants import (
    Participant,
    common_lengths,
    find_participants,
    for_another_objective,
    with_these_weights,
)
from schedsearch.transfer.relations import OTHER_DIALECTS, STRANGERS, UNIVERSAL
from schedsearch.transfer.universal import without
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
        """Scores candidates on search clips, until it is sure which are universal and which formula is best.

        The part that is done is of all candidates on all voices. Most of them need no score, so it ends early.
        """
        most, heard = sum(len(self._candidates_for(judge)) for judge in self.participants), 0
        for jury, decisions in self._juries:
            for judge, entrant in jury.hearings(decisions.values()):
                for done, name in self.searching[judge.label].steps([entrant]):
                    yield (heard + done) / most, f"{judge.label}: {name}"
                heard += 1

    def judging(self) -> Steps:
        """Scores all entrants on the held-out clips; after `choosing`."""
        for place, judge in enumerate(self.participants):
            entrants = [entrant for n in self.lengths for entrant in self.entrants(judge, n)]
            for done, name in self.held_out[judge.label].steps(entrants):
                yield (place + done) / len(self.participants), f"{judge.label}: {name}"

    def evaluations(self) -> int:
        """Counts the network evaluations still to do at most, without those that judge what `choosing` will choose."""
        undecided = any(next(jury.hearings(decisions.values()), None) for jury, decisions in self._juries)
        count = 0
        for judge in self.participants:
            parts = list(self.held_out[judge.label].parts([e for n in self.lengths for e in self._given(judge, n)]))
            if undecided:
                parts += self.searching[judge.label].parts(self._candidates_for(judge))
            count += sum(part.evaluations for part in parts)
        return count

    @cached_property
    def choices(self) -> dict[int, Choice]:
        """By length, the choice of all voices or what is kept; after `choosing`. Lengths without a choice are missing.
        """
        return {n: choice for (n, what), choice in self._choices.items() if what == UNIVERSAL}

    @cached_property
    def choices_of_others(self) -> dict[tuple[int, Origin], Choice]:
        """By length and origin, the choice made without the voices and winners of that speaker or dialect."""
        return {(n, what): choice for (n, what), choice in self._choices.items() if isinstance(what, Origin)}

    def entrants(self, judge: Participant, iterations: int) -> list[Entrant]:
        """Lists one length's schedules for one judge; after `choosing`.

        They are its own winner, other winners, published schedules, universal ones, and of the formulas the one that
        has the least worst loss on search clips.
        """
        entrants, name = self._given(judge, iterations), f"universal-{iterations}"
        entrants += [e for e in baselines_of(iterations) if e.name == self._best_formula(iterations)]
        speaker, dialect = Origin(speaker=judge.voice.speaker), Origin(dialect=judge.dialect)
        for choice, chosen, source in (
            (self.choices.get(iterations), name, UNIVERSAL),
            (self.choices_of_others.get((iterations, speaker)), f"{name} without {speaker}", STRANGERS),
            (self.choices_of_others.get((iterations, dialect)), f"{name} without {dialect}", OTHER_DIALECTS),
        ):
            if choice is not None:
                entrants.append(Entrant(chosen, "given", source, choice.candidate.schedule))
        return entrants

    def _given(self, judge: Participant, iterations: int) -> list[Entrant]:
        """Lists winners and published schedules: what needs no choice."""
        others = [other for other in self.participants if other is not judge]
        winners = [voice.winners[iterations] for voice in (judge, *others) if iterations in voice.winners]
        return [*winners, *(entrant for entrant in baselines_of(iterations) if entrant.source == PUBLISHED)]

    def _candidates_for(self, judge: Participant) -> list[Entrant]:
        own = [n for n in self.lengths if n in judge.winners]
        candidates = [c for n in own for c in (*self.candidates[n], *([self.kept[n]] if n in self.kept else ()))]
        return [Entrant(c.name, "given", "candidate", c.schedule) for c in candidates]

    def _best_formula(self, iterations: int) -> str:
        choice = self._choices.get((iterations, FORMULA))
        return choice.candidate.name if choice else ""

    @cached_property
    def _choices(self) -> dict[tuple[int, str | Origin], Choice]:
        chosen = {(jury.iterations, what): jury.choice(d) for jury, decisions in self._juries
                  for what, d in decisions.items()}  # fmt: skip
        return {place: choice for place, choice in chosen.items() if choice is not None}

    @cached_property
    def _juries(self) -> list[tuple[Jury, dict[str | Origin, Decision]]]:
        return [(Jury(n, self.searching), self._decisions(n)) for n in self.lengths]

    def _decisions(self, iterations: int) -> dict[str | Origin, Decision]:
        """Returns what search clips decide: UNIVERSAL, FORMULA, and what is universal without each speaker and dialect.
        """
        voices, candidates = self.participants, self.candidates[iterations]
        kept = self.kept.get(iterations)
        formulas = {entrant.name for entrant in baselines_of(iterations) if entrant.source == FORMULA}
        decisions: dict[str | Origin, Decision] = {
            UNIVERSAL: Decision([kept] if kept else candidates, voices),
            FORMULA: Decision([candidate for candidate in candidates if candidate.name in formulas], voices),
        }
        speakers = {Origin(speaker=voice.voice.speaker): None for voice in voices}
        dialects = {Origin(dialect=voice.dialect): None for voice in voices}
        for origin in (*speakers, *(dialects if len(dialects) > 1 else ())):
            decisions[origin] = without(origin, candidates, voices)
        return decisions


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
    lengths = common_lengths(participants, settings.lengths, left_out)
    searching = {voice.label: _on_search_clips(held_out[voice.label], voice, settings) for voice in participants}
    return Tournament(settings, tuple(lengths), tuple(participants), tuple(left_out), held_out, searching)


def _on_search_clips(scoring: Scoring, voice: Participant, settings: Settings) -> Scoring:
    clips = search_clips(voice.voice, scoring.vocoder, min(settings.seconds, CHOOSING_SECONDS))
    return replace(scoring, clips=clips, metrics=scoring.metrics[:1])
