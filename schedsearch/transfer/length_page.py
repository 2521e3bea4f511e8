"""transfer-N.md: one length's tables."""

from collections.abc import Sequence

from schedsearch.formatting import markdown_table, percent
from schedsearch.transfer.exchange import Exchange
from schedsearch.transfer.grid import grid, markdown
from schedsearch.transfer.matrix import Cell

HOW = (
    "Loss is how much worse a schedule is than the judging voice's own winner on its held-out clips, as a part of that "
    "winner's mean. = marks a tie: zero lies in the 95 % paired bootstrap interval over clips (of twenty ties one is "
    "called otherwise by chance). Universal schedules were chosen on search clips and are judged on held-out ones."
)


def length_page(exchange: Exchange, cells: Sequence[Cell], iterations: int) -> str:
    """Returns one length as Markdown: losses, voices with their winners, and universal schedules."""
    losses = markdown(grid([cell for cell in cells if cell.decisive]))
    settings = exchange.settings
    conditions = (
        f"Objective {settings.objective}, float32, draws of noise a clip: {settings.draws}, at most "
        f"{settings.seconds:g} s of each clip."
    )
    tables = [losses, _voices(exchange, iterations), _universal(exchange, iterations)]
    return "\n\n".join([f"# Transfer in {iterations} steps", HOW, conditions, *filter(None, tables)]) + "\n"


def _voices(exchange: Exchange, iterations: int) -> str:
    rows = []
    for judge in exchange.judges:
        clips = len(exchange.held_out[judge.label].clips)
        if iterations in judge.winners:
            schedule = judge.winners[iterations].schedule
            ends = [f"{level:.3g}" for level in (schedule.log_snr[0], schedule.log_snr[-1])]
            facts = [*ends, f"{schedule.residual_noise:.3g}", f"{schedule.terminal_level:.3g}"]
        else:
            facts = [""] * 4
        rows.append([judge.label, clips, *facts])
    head = ["voice", "held-out clips", "its winner's first log-SNR", "last log-SNR", "sigma_1", "terminal level"]
    return markdown_table(head, rows, numbers=True)


def _universal(exchange: Exchange, iterations: int) -> str:
    """Returns which schedules were chosen and what they cost on search clips; empty where none was."""
    choices = {f"universal-{iterations}": exchange.choices.get(iterations)}
    for (n, speaker), choice in exchange.choices_of_others.items():
        if n == iterations:
            choices[f"universal-{iterations} without {speaker}"] = choice
    rows = [
        [name, choice.offer.name, percent(choice.worst[1]), choice.worst[0]]
        for name, choice in choices.items()
        if choice is not None
    ]
    return markdown_table(["universal", "is", "largest loss on search clips", "of"], rows) if rows else ""
