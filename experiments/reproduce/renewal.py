"""Replaces a shipped universal schedule only where the one that was chosen now is better.

So nobody's file changes without a reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np

from experiments.row_cache import RowCache
from schedsearch.comparison.entrants import Entrant
from schedsearch.evaluation.bootstrap import Interval, paired_bootstrap, sound_clips
from schedsearch.evaluation.paired import Comparison, compare
from schedsearch.formatting import markdown_table, percent
from schedsearch.report.progress import show
from schedsearch.schedules.files import write_every_layout
from schedsearch.schedules.named import forget_universal, universal_schedules
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.transfer.files import UNIVERSAL
from schedsearch.transfer.participants import Participant
from schedsearch.transfer.tournament import Steps, Tournament
from schedsearch.transfer.universal import provenance, write_universal
from schedsearch.transfer.universal_candidates import Origin, UniversalCandidate
from vocoder.atomic import atomic_write

PACKAGE = Path("schedsearch/schedules") / UNIVERSAL
TABLE, PAGE = "universal-renewal.csv", "universal-renewal.md"  # beside universal-N.*
ALL = "all"  # in the column of voices
EARLIER = "earlier"  # value of the column "ships": universal-N stays the schedule that it was
HOW = """# Do the universal schedules change?

A voice judges the schedule that was chosen now without its speaker, or without its dialect, beside the earlier one of
the same name: on its held-out clips, with the same noise. The loss is how much worse the new one is, as a part of the
earlier one's mean, with its 95 % bootstrap interval over clips. For all voices together a speaker's utterance counts
once, with its mean over that speaker's voices. The new one takes the name where both of these intervals lie below zero
and it fails no more often. They hold for these voices: no other speakers are drawn. The speakers may have had a part in
the earlier choice, which favours it. The same rows are in `universal-renewal.csv`."""


@dataclass(frozen=True)
class Verdict:
    """One voice's comparison of a schedule that was chosen without its speaker or its dialect with the earlier one."""

    voice: Participant
    left_out: str  # speaker or dialect
    comparison: Comparison  # new minus earlier
    losses: Mapping[str, float]  # by clip, as parts of the earlier one's mean: below 0 the new one is better


@dataclass(frozen=True)
class Renewal:
    """A length's earlier universal schedule beside those chosen now."""

    iterations: int
    verdicts: tuple[Verdict, ...]

    @property
    def pooled(self) -> dict[str, Interval]:
        """By what is left out, the loss over the clips of all voices; without what too few clips say."""
        kinds = dict.fromkeys(verdict.left_out for verdict in self.verdicts)
        losses = {kind: self.utterances(kind) for kind in kinds}
        return {kind: _interval(values) for kind, values in losses.items() if len(values) > 1}

    def utterances(self, left_out: str) -> list[float]:
        """Returns the loss of each speaker's utterances, in the mean over the voices that say it.

        They are the same recording, so that they are no independent witnesses.
        """
        losses: dict[tuple[str, str], list[float]] = {}
        for verdict in self.verdicts:
            for clip, loss in verdict.losses.items() if verdict.left_out == left_out else ():
                losses.setdefault((verdict.voice.voice.speaker, clip), []).append(loss)
        return [fmean(of_one) for of_one in losses.values()]

    @property
    def is_better(self) -> bool:
        """Says whether the new one takes the name."""
        fails_more = any(verdict.comparison.fails_more for verdict in self.verdicts)
        return bool(self.pooled) and not fails_more and all(loss.high < 0 for loss in self.pooled.values())


def renewals(tournament: Tournament) -> list[Renewal]:
    """Compares earlier universal schedules with those chosen now, where these differ; after `settled`."""
    chosen = replace(tournament, kept={}).choices
    changed = {n: s for n, s in _earlier(tournament).items() if n in chosen and chosen[n].candidate.schedule != s}
    return [Renewal(n, tuple(_verdicts(tournament, n, schedule))) for n, schedule in changed.items()]


def settled(tournament: Tournament) -> Tournament:
    """Returns the tournament in which earlier universal schedules keep their names unless the new ones are better."""
    show("earlier ones", _scoring(tournament))
    earlier = _earlier(tournament)
    kept = [renewal.iterations for renewal in renewals(tournament) if not renewal.is_better]
    final = replace(tournament, kept={n: UniversalCandidate(f"universal-{n} as it was", earlier[n]) for n in kept})
    show("search clips", final.choosing())
    return final


def ship(tournament: Tournament, folder: Path, package: Path = PACKAGE) -> None:
    """Writes what was decided into the folder, and new universal schedules there and into the package's table.

    Those that keep their names, and those that are chosen once more, stay as they are. Where nothing differs the row
    that tells why a schedule took its name stays, and the row of an earlier one that was kept goes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    earlier = _earlier(tournament)
    if new := {n: choice for n, choice in tournament.choices.items() if choice.candidate.schedule != earlier.get(n)}:
        for n, choice in new.items():
            write_every_layout(choice.candidate.schedule, folder / f"universal-{n}", provenance(choice))
        for table in (folder / UNIVERSAL, package):
            write_universal(new, table)
        forget_universal()  # the stages to come have the new ones to beat
    stored, decided = RowCache(folder / TABLE, ".6g"), renewals(tournament)
    again, asked = {str(renewal.iterations) for renewal in decided}, set(map(str, tournament.lengths))
    stale = [row for row in stored.rows if row["iterations"] in again
             or (row["iterations"] in asked and row["ships"] == EARLIER)]  # fmt: skip
    rows: list[Mapping[str, object]] = [row for row in stored.rows if row not in stale]
    rows += [row for renewal in decided for row in _rows(renewal)]
    if not rows:
        for name in (TABLE, PAGE):
            (folder / name).unlink(missing_ok=True)
    else:
        stored.write(sorted(rows, key=lambda row: int(str(row["iterations"]))))
        atomic_write(folder / PAGE, f"{HOW}\n\n{_table(stored.rows)}\n".encode())


def kept_lengths(folder: Path) -> set[int]:
    """Returns the lengths whose universal schedule is an earlier one, which the last choice did not beat."""
    return {int(row["iterations"]) for row in RowCache(folder / TABLE).rows if row["ships"] == EARLIER}


def _earlier(tournament: Tournament) -> dict[int, NoiseSchedule]:
    shipped = {len(schedule): schedule for schedule in universal_schedules().values()}
    return {n: shipped[n] for n in tournament.lengths if n in shipped}


def _scoring(tournament: Tournament) -> Steps:
    """Scores the earlier schedules on the held-out clips."""
    entrants = [Entrant(f"universal-{n}", "given", "earlier", s) for n, s in _earlier(tournament).items()]
    for place, judge in enumerate(tournament.participants):
        for done, name in tournament.held_out[judge.label].steps(entrants):
            yield (place + done) / len(tournament.participants), f"{judge.label}: {name}"


def _verdicts(tournament: Tournament, n: int, earlier: NoiseSchedule) -> Iterator[Verdict]:
    for voice in tournament.participants:
        scoring = tournament.held_out[voice.label]
        metric = scoring.metrics[0]
        old = scoring.scores(earlier)[metric.name]
        for left_out, origin in _origins(voice).items():
            choice = tournament.choices_of_others.get((n, origin))
            if choice is not None:
                new = scoring.scores(choice.candidate.schedule)[metric.name]
                comparison = compare(metric, new, old, 0)
                sign = 1 if metric.direction == "minimize" else -1
                losses = sign * comparison.differences / abs(float(np.nanmean(old.values)))
                clips = [scoring.clips[place].name for place in np.flatnonzero(sound_clips([new.values, old.values]))]
                yield Verdict(voice, left_out, comparison, dict(zip(clips, losses.tolist(), strict=True)))


def _origins(voice: Participant) -> dict[str, Origin]:
    return {"speaker": Origin(speaker=voice.voice.speaker), "dialect": Origin(dialect=voice.dialect)}


def _interval(losses: Iterable[float]) -> Interval:
    values = np.array(list(losses))[:, None]
    return paired_bootstrap(values, np.zeros_like(values), seed=0)


def _rows(renewal: Renewal) -> Iterator[dict[str, object]]:
    """Yields a row for all voices and each voice."""
    ships = "new" if renewal.is_better else EARLIER
    for left_out, pooled in renewal.pooled.items():
        of_kind = [verdict for verdict in renewal.verdicts if verdict.left_out == left_out]
        heard = [verdict for verdict in of_kind if len(verdict.losses) > 1]
        losses = {ALL: pooled} | {v.voice.label: _interval(v.losses.values()) for v in heard}
        clips = {ALL: len(renewal.utterances(left_out))} | {v.voice.label: len(v.losses) for v in heard}
        for voice, loss in losses.items():
            yield {
                "iterations": renewal.iterations, "left_out": left_out, "voice": voice, "loss": loss.mean,
                "low": loss.low, "high": loss.high, "clips": clips[voice],
                "ships": ships,
            }  # fmt: skip


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    lines = []
    for row in rows:
        loss, low, high = (percent(float(row[name])) for name in ("loss", "low", "high"))
        place = (row["iterations"], row["left_out"], row["voice"])
        lines.append([*place, f"{loss} [{low}, {high}]", row["clips"], row["ships"]])
    return markdown_table(["steps", "chosen without the", "voice", "loss of the new one", "clips", "ships"], lines)
