"""Tables to read, in Markdown."""

from collections.abc import Iterable, Sequence


def markdown_table(head: Sequence[object], rows: Iterable[Sequence[object]], *, numbers: bool = False) -> str:
    """head and rows of as many cells each -> lines; with `numbers` all columns but the first are set right."""
    rule = ["---", *["---:" if numbers else "---"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in (head, rule, *rows))


def percent(part: float, unit: str = " %") -> str:
    """With its sign: 0.0234 -> +2.3 %."""
    return f"{100 * part:+.1f}{unit}".replace("-", "−")


def _cell(value: object) -> str:
    """A bar would begin another cell."""
    return str(value).replace("|", "/")
