"""Replaces a shipped universal schedule only where the one that was chosen now is better.

So nobody's file changes without a reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from experiments.row_cache import RowCache
from schedsearch.comparison.entrants import Entrant
from schedsearch.evaluation.bootstrap import Array, Interval, paired_bootstrap
from schedsearch.evaluation.paired import Comparison, compare
from schedsearch.formatting import markdown_table, percent
from schedsearch.report.progress import show
from schedsearch.schedules.files import write_every_layout
from schedsearch.schedules.named import universal_schedules
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.transfer.files import UNIVERSAL
from schedsearch.transfer.participants import Participant
from schedsearch.transfer.tournament import Steps, Tournament
from schedsearch.transfer.universal import provenance, write_universal
from schedsearch.transfer.universal_candidates import Origin, UniversalCandidate
from vocoder.atomic import atomic_write

PACKAGE = Path("schedsearch/schedules") / UNIVERSAL
TABLE, PAGE = "universal-renewal.csv", "universal-renewal.md"  # beside universal-N.*
ALL = "all"  # voices
HOW = """# Do the universal schedules change?

A voice judges the schedule that was chosen now without its speaker, or without its dialect, beside the earlier one of
the same name: on its held-out clips, with the same noise. The loss is how much worse the new one is, as a part of the
earlier one's mean, with its 95 % bootstrap interval over the clips of all voices. The new one takes the name where both
intervals lie below zero and it fails no more often. They hold for these voices: no other speakers are drawn. The
speakers may have had a part in the earlier choice, which favours it. The same rows are in `universal-renewal.csv`."""


@dataclass(frozen=True)
class Verdict:
    """One voice's comparison of a schedule that was chosen without its speaker or its dialect with the earlier one."""

    voice: str
    left_out: str  # speaker or dialect
    comparison: Comparison  # new minus earlier
    losses: Array  # [clip], as parts of the earlier one's mean: below 0 the new one is better


@dataclass(frozen=True)
class Renewal:
    """A length's earlier universal schedule beside those chosen now."""

    iterations: int
    verdicts: tuple[Verdict, ...]

    @property
    def pooled(self) -> dict[str, Interval]:
        """By what is left out, the loss over the clips of all voices; without what too few clips say."""
        kinds = dict.fromkeys(verdict.left_out for verdict in self.verdicts)
        losses = {kind: np.concatenate([v.losses for v in self.verdicts if v.left_out == kind]) for kind in kinds}
        return {kind: _interval(values) for kind, values in losses.items() if len(values) > 1}

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

    Those that keep their names stay as they are, and so do the rows of lengths in which nothing differs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if new := {n: choice for n, choice in tournament.choices.items() if n not in tournament.kept}:
        for n, choice in new.items():
            write_every_layout(choice.candidate.schedule, folder / f"universal-{n}", provenance(choice))
        for table in (folder / UNIVERSAL, package):
            write_universal(new, table)
    stored, decided = RowCache(folder / TABLE, ".6g"), renewals(tournament)
    lengths = {str(renewal.iterations) for renewal in decided}
    rows: list[Mapping[str, object]] = [row for row in stored.rows if row["iterations"] not in lengths]
    rows += [row for renewal in decided for row in _rows(renewal)]
    if rows:
        stored.write(sorted(rows, key=lambda row: int(str(row["iterations"]))))
        atomic_write(folder / PAGE, f"{HOW}\n\n{_table(stored.rows)}\n".encode())


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
                yield Verdict(voice.label, left_out, comparison, losses)


def _origins(voice: Participant) -> dict[str, Origin]:
    return {"speaker": Origin(speaker=voice.voice.speaker), "dialect": Origin(dialect=voice.dialect)}


def _interval(losses: Array) -> Interval:
    values = losses[:, None]
    return paired_bootstrap(values, np.zeros_like(values), seed=0)


def _rows(renewal: Renewal) -> Iterator[dict[str, object]]:
    """Yields a row for all voices and each voice."""
    ships = "new" if renewal.is_better else "earlier"
    for left_out, pooled in renewal.pooled.items():
        of_kind = [verdict for verdict in renewal.verdicts if verdict.left_out == left_out]
        losses = {ALL: pooled} | {v.voice: _interval(v.losses) for v in of_kind if len(v.losses) > 1}
        clips = {ALL: sum(len(v.losses) for v in of_kind)} | {v.voice: len(v.losses) for v in of_kind}
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
