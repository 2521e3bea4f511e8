"""Makes a dataset's page from the run.json files of its lengths."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedsearch.formatting import counted
from schedsearch.metrics.words import words_and_name
from schedsearch.report.finding import Finding, sentence, stored_finding
from schedsearch.report.page.content import Cell, Column, Page, Picture, Table, difference_texts, number_cell
from schedsearch.report.pictures.lengths import length_folders
from vocoder.errors import InputError

RUN_PAGE = "report.html"


@dataclass(frozen=True)
class Length:
    """One finished run."""

    iterations: int
    page: str  # relative; "" where it has none
    ships: str
    finding: Finding
    candidates: int
    network_evaluations: int
    identity: Mapping[str, Any]


def lengths(folder: Path, page: str = RUN_PAGE) -> list[Length]:
    """Reads the finished runs below results/<dataset>/<rate>hz, shortest first; `page` is the file name of their pages.

    InputError if there is no run, and for a run.json that no search has written.
    """
    found = {steps: path / "run.json" for steps, path in length_folders(folder).items()}
    runs = {steps: path for steps, path in found.items() if path.is_file()}
    if not runs:
        raise InputError(f"a report needs a finished search, and {folder} has none; search this voice first")
    return [_length(path, iterations, page) for iterations, path in runs.items()]


def dataset_page(
    title: str, runs: Sequence[Length], *, pictures: Sequence[Picture] = (), notes: Sequence[str] = ()
) -> Page:
    """Returns a page with one sentence and one row a length. `notes` stand below the sentences."""
    improved = sum(length.finding.improves for length in runs)
    checkpoints = {str(length.identity.get("checkpoint")) for length in runs}
    context = [
        f"Of {counted(len(runs), 'length')}, {improved} {'has' if improved == 1 else 'have'} a searched schedule that "
        "is better than its best baseline, at 95 %."
    ]
    if len(checkpoints) > 1:
        context.append("Not all lengths were searched on the same checkpoint: compare them with care.")
    return Page(
        title=title,
        verdicts=tuple((_steps(n.iterations), sentence(n.finding), n.finding.improves) for n in runs),
        context=(*context, *notes),
        tables=(_table(runs),),
        pictures=tuple(pictures),
        provenance=tuple((_steps(length.iterations), _provenance(length)) for length in runs),
    )


def _table(runs: Sequence[Length]) -> Table:
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
    return Table("lengths", "Lengths", columns, tuple(_row(length) for length in runs), 0)


def _row(length: Length) -> tuple[Cell, ...]:
    difference, better = length.finding.difference, length.finding.improves
    mean, interval = difference_texts(difference)
    return (
        Cell(str(length.iterations), length.iterations, link=length.page),
        Cell(length.ships, mark="better" if better else ""),
        Cell(length.finding.baseline),
        Cell(words_and_name(length.finding.metric)),
        *map(number_cell, length.finding.means),
        Cell(mean, difference.mean if difference else None),
        Cell(interval, difference.low if difference else None),
        Cell(length.finding.outcome.label),
        Cell(f"{length.candidates:,}", length.candidates),
    )


def _length(path: Path, iterations: int, page: str) -> Length:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        finding = stored_finding(facts)
        return Length(
            iterations=iterations,
            page=f"{path.parent.name}/{page}" if path.with_name(page).is_file() else "",
            ships=finding.searched if finding.improves else finding.baseline,
            finding=finding,
            candidates=int(facts["candidates"]),
            network_evaluations=int(facts["search_network_evaluations"]),
            identity=dict(facts["identity"]),
        )
    except (OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, StopIteration,
            RecursionError) as error:  # fmt: skip
        raise InputError(
            f"{path} must be what a search wrote, and is not ({error!r}); run that search again"
        ) from error


def _steps(iterations: int) -> str:
    return counted(iterations, "step")


def _provenance(length: Length) -> str:
    identity = ", ".join(f"{name}: {value}" for name, value in length.identity.items())
    return f"{counted(length.network_evaluations, 'network evaluation')} in the search; {identity}"
