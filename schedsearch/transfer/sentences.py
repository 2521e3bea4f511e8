"""What the numbers say, in words: every sentence is counted from the cells."""

from collections.abc import Sequence

import numpy as np

from schedsearch.transfer.exchange import STRANGERS, UNIVERSAL, Exchange
from schedsearch.transfer.grid import grid, markdown, worst_loss
from schedsearch.transfer.matrix import BASELINE, OTHERS, RATE, SAME, Cell
from schedsearch.transfer.prediction import Pair, safety_sentence
from schedsearch.transfer.universal import relative_loss

HOW = (
    "Loss is how much worse a schedule is than the judging voice's own winner on its held-out clips, as a part of that "
    "winner's mean; worse, better and tied (=) are by the 95 % paired bootstrap interval over clips (of twenty ties "
    "one is called otherwise by chance). Universal schedules were chosen on search clips and are judged on held-out "
    "ones."
)


def report(exchange: Exchange, cells: Sequence[Cell], predicted: Sequence[Pair], iterations: int) -> str:
    """One length as Markdown, from its cells."""
    told = " ".join([*of_length(exchange, cells, iterations), safety_sentence(predicted, iterations)]).strip()
    table = markdown(grid([cell for cell in cells if cell.decisive]))
    return "\n\n".join([f"# Transfer in {iterations} steps", HOW, _measured(exchange), told, table]) + "\n"


def of_length(exchange: Exchange, cells: Sequence[Cell], iterations: int) -> list[str]:
    """The sentences of one length."""
    decisive = [cell for cell in cells if cell.decisive and cell.known]
    told = [
        _borrowed("another speaker's winner", [c for c in decisive if c.relation in OTHERS]),
        _borrowed("the same speaker's winner at another rate", [c for c in decisive if c.relation == RATE]),
        _borrowed("the winner of another checkpoint of the same speaker", [c for c in decisive if c.relation == SAME]),
        _best_baseline([c for c in decisive if c.relation == BASELINE]),
        _universal(exchange, decisive, iterations),
        _other_metrics([c for c in cells if c.relation in OTHERS and c.known and not c.decisive]),
        _curves(exchange, iterations),
    ]
    return [sentence for sentence in told if sentence]


def _borrowed(what: str, cells: Sequence[Cell]) -> str:
    if not cells:
        return ""
    sound = [cell for cell in cells if np.isfinite(cell.relative_loss)]
    failed = len(cells) - len(sound)
    if not sound:
        return f"With {what}, all {failed} pairs had failures."
    counts = {word: sum(cell.verdict == word for cell in sound) for word in ("worse", "tie", "better")}
    median = float(np.median([cell.relative_loss for cell in sound]))
    worst = max(sound, key=lambda cell: cell.relative_loss)
    ties = [cell for cell in sound if cell.verdict == "tie"]
    named = ", ".join(f"{cell.entrant.name} on {cell.judge.label}" for cell in ties)
    reach = max((worst_end(cell) for cell in ties), default=0.0)
    return (
        f"{what[0].upper()}{what[1:]} costs {_percent(median)} in the median and {_percent(worst.relative_loss)} at "
        f"most ({worst.entrant.name} on {worst.judge.label}: {_interval(worst)} {worst.metric.name}); of {len(sound)} "
        f"pairs {counts['worse']} worse, {counts['tie']} tied, {counts['better']} better"
        + (f"; zero lies in the interval of {named}" if 0 < len(ties) < 7 else "")
        + (f"; a tie's interval reaches {_percent(reach)} at most" if ties else "")
        + (f"; {failed} pairs had failures" if failed else "")
        + "."
    )


def _best_baseline(cells: Sequence[Cell]) -> str:
    """Of those that stand for every voice."""
    names = dict.fromkeys(cell.entrant.name for cell in cells)
    worst = {name: worst_loss([cell for cell in cells if cell.entrant.name == name]) for name in names}
    if not worst:
        return ""
    best = min(worst, key=lambda name: worst[name])
    return f"Of the published schedules and formulas {best} serves best in the worst case: {_at_worst(cells, best)}."


def _universal(exchange: Exchange, cells: Sequence[Cell], iterations: int) -> str:
    choice = exchange.choices.get(iterations)
    if choice is None:
        return ""
    told = f"universal-{iterations} is {choice.offer.name}: {_at_worst_of(cells, UNIVERSAL)}"
    strangers = [cell for cell in cells if cell.relation == STRANGERS]
    if strangers:
        told += f"; chosen without the judge's speaker: {_at_worst_of(strangers, STRANGERS)}"
    return f"{told}."


def _other_metrics(cells: Sequence[Cell]) -> str:
    """Of another speaker's winner."""
    told = []
    for name in dict.fromkeys(cell.metric.name for cell in cells if cell.metric.ranks):
        of_metric = [cell for cell in cells if cell.metric.name == name]
        worse = sum(cell.verdict == "worse" for cell in of_metric)
        told.append(f"{name} {worse} of {len(of_metric)}, {_percent(worst_loss(of_metric))} at most")
    return f"In other metrics another speaker's winner is worse in: {'; '.join(told)}." if told else ""


def _curves(exchange: Exchange, iterations: int) -> str:
    winners = [judge.winners[iterations].schedule for judge in exchange.judges if iterations in judge.winners]
    first, last = ([float(schedule.log_snr[end]) for schedule in winners] for end in (0, -1))
    static = [schedule.residual_noise for schedule in winners]
    level = [schedule.terminal_level for schedule in winners]
    apart = [
        float(np.sqrt(np.mean((one.log_snr - other.log_snr) ** 2)))
        for place, one in enumerate(winners)
        for other in winners[:place]
    ]
    return (
        f"The {len(winners)} winners' log-SNR begins at {_range(first)} (sigma_1 {_range(static)}) and ends at "
        f"{_range(last)} (terminal level {_range(level)}); two of them lie {_range(apart)} apart (root mean square "
        "over steps)."
    )


def _measured(exchange: Exchange) -> str:
    settings = exchange.settings
    clips = ", ".join(f"{label} {len(scoring.clips)}" for label, scoring in exchange.held_out.items())
    return (
        f"Objective {settings.objective}, float32, noise draws a clip: {settings.draws}, of each held-out clip at most "
        f"{settings.seconds:g} s; clips: {clips}."
    )


def _at_worst_of(cells: Sequence[Cell], relation: str) -> str:
    return _worst_of([cell for cell in cells if cell.relation == relation])


def _at_worst(cells: Sequence[Cell], name: str) -> str:
    return _worst_of([cell for cell in cells if cell.entrant.name == name])


def _worst_of(cells: Sequence[Cell]) -> str:
    failed = [cell for cell in cells if not np.isfinite(cell.relative_loss)]
    if failed:
        return f"it has failures on {failed[0].judge.label}"
    worst = max(cells, key=lambda cell: cell.relative_loss)
    loss = worst.relative_loss
    most = f"it costs {_percent(loss)} at most" if loss > 0 else f"it gains {-100 * loss:.1f} % at least"
    return f"{most} (on {worst.judge.label}: {_interval(worst)}, {worst.verdict})"


def worst_end(cell: Cell) -> float:
    """The loss that the interval does not exclude."""
    found = cell.comparison.difference
    if found is None:
        return float("nan")
    reference = float(np.nanmean(cell.comparison.baseline.values))
    return max(relative_loss(cell.metric, reference + end, reference) for end in (found.low, found.high))


def _interval(cell: Cell) -> str:
    found = cell.comparison.difference
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]" if found else "too few clips"


def _percent(loss: float) -> str:
    return f"{100 * loss:+.1f} %" if np.isfinite(loss) else "everything"


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.3g} to {max(values):.3g}"
