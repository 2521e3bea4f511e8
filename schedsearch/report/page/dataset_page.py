"""A dataset's page: its lengths beside one another, of what each finished run wrote into its run.json."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedsearch.formatting import counted
from schedsearch.report.finding import Finding, digits, sentence, stored_finding
from schedsearch.report.page.content import Cell, Column, Fact, Page, Picture, Table, number, number_cell
from vocoder.errors import InputError

RUN_PAGE = "report.html"
_FOLDER = re.compile(r"([1-9][0-9]*)iters")


@dataclass(frozen=True)
class Length:
    """One finished run."""

    iterations: int
    page: str  # relative; "" where it has none
    ships: str
    finding: Finding
    searched: float | None  # held-out means of the objective
    baseline: float | None
    candidates: int
    network_evaluations: int
    identity: Mapping[str, Any]


def lengths(folder: Path, page: str = RUN_PAGE) -> list[Length]:
    """Finished runs below results/<dataset>/<rate>hz, the shortest first; `page` is the name of theirs.

    InputError where there is none, and for a run.json that no run has written.
    """
    found = [(int(m[1]), path) for path in folder.glob("*iters/run.json") if (m := _FOLDER.fullmatch(path.parent.name))]
    if not found:
        raise InputError(f"a report needs a finished search, and {folder} has none; run make search first")
    return [_length(path, iterations, page) for iterations, path in sorted(found)]


def dataset_page(
    title: str, found: Sequence[Length], *, pictures: Sequence[Picture] = (), notes: Sequence[str] = ()
) -> Page:
    """One sentence and one row a length; `notes` stand below the sentences."""
    improved = sum(length.finding.improves for length in found)
    checkpoints = {str(length.identity.get("checkpoint")) for length in found}
    context = [
        f"Of {counted(len(found), 'length')}, {improved} {'has' if improved == 1 else 'have'} a searched schedule that "
        "is better than its best baseline, at 95 %."
    ]
    if len(checkpoints) > 1:
        context.append("Not all lengths were searched on the same checkpoint: compare them with care.")
    return Page(
        title=title,
        verdicts=tuple((_steps(n.iterations), sentence(n.finding), n.finding.improves) for n in found),
        context=(*context, *notes),
        tables=(_table(found),),
        pictures=tuple(pictures),
        provenance=tuple(Fact(_steps(length.iterations), _spelt(length)) for length in found),
    )


def _table(found: Sequence[Length]) -> Table:
    columns = (
        Column("Steps"),
        Column("Ships", numeric=False),
        Column("Best baseline", numeric=False),
        Column("Metric", numeric=False),
        Column("Searched", "held out"),
        Column("Baseline", "held out"),
        Column("Difference", "searched minus baseline"),
        Column("95 % interval"),
        Column("Searched is", numeric=False),
        Column("Candidates"),
    )
    return Table("lengths", "Lengths", columns, tuple(_row(length) for length in found), 0)


def _row(length: Length) -> tuple[Cell, ...]:
    gap, better = length.finding.difference, length.finding.improves
    places = digits(gap) if gap else 0
    interval = f"{number(gap.low, places, signed=True)} to {number(gap.high, places, signed=True)}" if gap else "–"
    return (
        Cell(str(length.iterations), length.iterations, link=length.page),
        Cell(length.ships, mark="better" if better else ""),
        Cell(length.finding.baseline),
        Cell(length.finding.metric),
        number_cell(length.searched),
        number_cell(length.baseline),
        Cell(number(gap.mean, places, signed=True), gap.mean) if gap else Cell("–"),
        Cell(interval, gap.low if gap else None),
        Cell(length.finding.outcome.label),
        Cell(f"{length.candidates:,}", length.candidates),
    )


def _length(path: Path, iterations: int, page: str) -> Length:
    there = path.with_name(page).is_file()
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        found = stored_finding(told)
        main = next(c for c in told["held_out"] if c["metric"] == found.metric)
        return Length(
            iterations=iterations,
            page=f"{path.parent.name}/{page}" if there else "",
            ships=str(told["name"]),
            finding=found,
            searched=_mean(main["winner"]),
            baseline=_mean(main["baseline"]),
            candidates=int(told["candidates"]),
            network_evaluations=int(told["search_network_evaluations"]),
            identity=dict(told["identity"]),
        )
    except (OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, StopIteration,
            RecursionError) as error:  # fmt: skip
        raise InputError(
            f"{path} must be what a search wrote, and is not ({error!r}); run that search again"
        ) from error


def _mean(score: Mapping[str, Any]) -> float | None:
    return None if score["mean"] is None else float(score["mean"])


def _steps(iterations: int) -> str:
    return counted(iterations, "step")


def _spelt(length: Length) -> str:
    identity = ", ".join(f"{name}: {value}" for name, value in length.identity.items())
    return f"{counted(length.network_evaluations, 'network evaluation')} in the search; {identity}"
