"""transfer-N.md: one length's tables."""

from collections.abc import Sequence

from schedsearch.formatting import markdown_table, percent
from schedsearch.transfer.loss_grid import loss_grid, markdown
from schedsearch.transfer.matrix import Cell
from schedsearch.transfer.tournament import Tournament

HOW = (
    "Loss is how much worse a schedule is than the judging voice's own winner on its held-out clips, as a part of that "
    "winner's mean. = marks a tie: zero lies in the 95 % paired bootstrap interval over clips (of twenty ties one is "
    "called otherwise by chance). Universal schedules were chosen on search clips and are judged on held-out ones."
)


def length_page(tournament: Tournament, cells: Sequence[Cell], iterations: int) -> str:
    """Returns one length as Markdown: losses, voices with their winners, and universal schedules."""
    losses = markdown(loss_grid([cell for cell in cells if cell.decisive]))
    settings = tournament.settings
    conditions = (
        f"Objective {settings.objective}, draws of noise a clip: {settings.draws}, at most "
        f"{settings.seconds:g} s of each clip."
    )
    tables = [losses, _voices(tournament, iterations), _universal(tournament, iterations)]
    return "\n\n".join([f"# Transfer in {iterations} steps", HOW, conditions, *filter(None, tables)]) + "\n"


def _voices(tournament: Tournament, iterations: int) -> str:
    rows = []
    for voice in tournament.participants:
        scoring = tournament.held_out[voice.label]
        if iterations in voice.winners:
            schedule = voice.winners[iterations].schedule
            ends = [f"{level:.3g}" for level in (schedule.log_snr[0], schedule.log_snr[-1])]
            facts = [*ends, f"{schedule.residual_noise:.3g}", f"{schedule.terminal_level:.3g}"]
        else:
            facts = [""] * 4
        rows.append([voice.label, len(scoring.clips), scoring.vocoder.precision, *facts])
    of_winner = ["its winner's first log-SNR", "last log-SNR", "sigma_1", "terminal level"]
    return markdown_table(["voice", "held-out clips", "precision", *of_winner], rows, numbers=True)


def _universal(tournament: Tournament, iterations: int) -> str:
    """Returns which schedules were chosen and what they cost on search clips; empty where none was."""
    choices = {f"universal-{iterations}": tournament.choices.get(iterations)}
    for (n, origin), choice in tournament.choices_of_others.items():
        if n == iterations:
            choices[f"universal-{iterations} without {origin}"] = choice
    rows = [
        [name, choice.candidate.name, percent(choice.worst[1]), choice.worst[0]]
        for name, choice in choices.items()
        if choice is not None
    ]
    return markdown_table(["universal", "is", "largest loss on search clips", "of"], rows) if rows else ""
