"""Does `check-voice` name what is wrong? `python -m experiments.front_end_mistakes [DATASET] [--rate HZ]`.

Plants one mistake after another into a voice whose front end is right (in its configuration, its clips, its weights, or
the front end's code as forks have it), and asks the check, which knows nothing of them. Then asks it about the right
setting on random sets of six clips (or all clips of a voice with fewer), to count false alarms. Writes mistakes.csv and
mistakes.md into results/shipped/<dataset>/<rate>hz/front_end/, a row as soon as it is measured. Stopped, it goes on;
rows of other weights are measured again.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.front_end_mistakes.bench import Bench, open_bench
from experiments.front_end_mistakes.mistakes import Mistake, finding, mistakes
from experiments.row_cache import RowCache
from experiments.running import command, parser_of
from schedsearch.formatting import counted, markdown_table
from schedsearch.voice.config import load_voice
from vocoder.atomic import atomic_write
from vocoder.front_end_check.diagnosis import Diagnosis, diagnose

SHIPPED = Path("results/shipped")
SUBSET = 6  # clips of a false-alarm trial, of a voice that has as many
COLUMNS = {
    "where": "where",
    "mistake": "mistake",
    "score": "score",
    "named": "named",
    "best": "score then",
    "right": "right",
    "ties": "cannot be told from it",
}
PAGE = """# What the check makes of planted mistakes

{named} of {planted} mistakes are named as they should be ({several} of those with several settings wrong at once). \
With nothing wrong, {alarms} of {right} checks (random sets of {subset}, other noise each) raise an alarm.

Scores are natural logarithms of the network's denoising error over that of a stationary Wiener filter, mean
over eight log-SNR levels and the pieces of 0.4 s: as given, and with what was named. Made by
`python -m experiments.front_end_mistakes`; mistakes.csv has more columns.

What this does not show: the right value is always among the check's candidates, and the check's thresholds
and the names of its variants were settled with this voice and some of these mistakes in view. Several
settings at once are tried without the whole front ends of other implementations, one of which is this
voice's own.

{table}
"""


@command("front_end_mistakes")
def main(arguments: Sequence[str] | None = None) -> None:
    """Measures what is not in the table yet."""
    parser = parser_of("front_end_mistakes", __doc__, voice=True)
    parser.add_argument("--false-alarms", type=int, default=12, metavar="N", help="sets of clips with nothing wrong")
    options = parser.parse_args(arguments)
    voice = load_voice(options.dataset, options.rate)
    bench = open_bench(voice)
    folder = SHIPPED / voice.dataset / f"{voice.sample_rate}hz" / "front_end"
    stored = RowCache(folder / "mistakes.csv", checkpoint=_weights(bench))
    planted = mistakes(bench.mel, bench.vocoder.network.config.factors)
    for mistake in [*planted, *_right_settings(bench, options.false_alarms)]:
        if not stored.has(where=mistake.where, mistake=mistake.name):
            stored.add([row := _row(mistake, bench)])
            print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    atomic_write(folder / "mistakes.md", _page(stored.rows, _subset(bench)).encode())


def _weights(bench: Bench) -> str:
    return bench.vocoder.weights_hash[:12]


def _row(mistake: Mistake, bench: Bench) -> dict[str, object]:
    began = time.process_time()
    diagnosis = mistake.plant(bench)
    return {
        "where": mistake.where,
        "mistake": mistake.name,
        "named": finding(diagnosis),
        "right": "yes" if mistake.named_by(diagnosis) else "no",
        "ties": "; ".join(diagnosis.ties),
        "score": f"{diagnosis.given:.3f}",
        "best": f"{diagnosis.best:.3f}",
        "other_mels": f"{diagnosis.others_mels:.3f}",
        "pieces": diagnosis.pieces,
        "variants": diagnosis.tried,
        "cpu_seconds": f"{time.process_time() - began:.1f}",
        "checkpoint": _weights(bench),
    }


def _right_settings(bench: Bench, trials: int) -> Iterator[Mistake]:
    """Lists checks where nothing is wrong, with other clips and other noise each time."""
    clips, subset = [*bench.recordings, *bench.held_out], _subset(bench)

    def planted(trial: int) -> Callable[[Bench], Diagnosis]:
        chosen = np.random.default_rng(trial).choice(len(clips), size=subset, replace=False)
        return lambda bench: diagnose(bench.vocoder, bench.excerpts([clips[i] for i in chosen]), seed=trial)

    yield Mistake("nothing", "the search clips", ("matches",), lambda bench: bench.with_front_end(bench.mel))
    for trial in range(trials):
        yield Mistake("nothing", f"{counted(subset, 'clip')}, seed {trial}", ("matches",), planted(trial))


def _subset(bench: Bench) -> int:
    """Returns the clips of a false-alarm trial: no more than the voice has."""
    return min(SUBSET, len(bench.recordings) + len(bench.held_out))


def _page(rows: Sequence[Mapping[str, str]], subset: int) -> str:
    planted = sorted((row for row in rows if row["where"] != "nothing"), key=lambda row: row["where"])
    right = [row for row in rows if row["where"] == "nothing"]
    several = [row for row in planted if row["where"] == "several at once"]
    return PAGE.format(
        named=_named(planted),
        planted=len(planted),
        several=f"{_named(several)} of {len(several)}",
        alarms=len(right) - _named(right),
        right=len(right),
        subset=counted(subset, "clip"),
        table=markdown_table(list(COLUMNS.values()), [[row[name] for name in COLUMNS] for row in [*planted, *right]]),
    )


def _named(rows: Sequence[Mapping[str, str]]) -> int:
    return sum(row["right"] == "yes" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
