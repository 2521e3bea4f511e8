"""Puts all voices side by side: `python -m experiments.voices_table`, after `experiments.voice_table` of each.

Writes results/shipped/voices.md: scores at every length beside Griffin-Lim's, the share of what the network can do that
the shipped schedule of 6 steps reaches, and each network's training and denoising error by noise level.
"""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.running import command, parser_of
from experiments.voice_table import LONGEST, PUBLISHED, SHIPS
from schedsearch.formatting import markdown_table
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

EXPERIMENTS, SHIPPED = Path("experiments"), Path("results/shipped")
COLUMNS = ("spectral", "pesq", "stoi", "log_mel_l1", "lsd", "level")
SPECTRAL_PESQ = {"pesq": -1, "spectral": 1}  # the objective, but for a constant
ERROR = "error "  # of learning.csv's columns, before a log-SNR
HOW = (
    "Means over held-out clips, in float32 (1000 steps on fewer clips: see each voice's voice.md). PESQ is wide-band, "
    "at 8 kHz narrow-band. Steps without a name are straight lines in log-SNR that no search chose."
)
SHARE = (
    "How much of the gap between the published 6 steps and 1000 steps the schedule that ships for 6 closes: (ships - "
    "published) / (1000 steps - published). The rest is what more steps can gain with this network. In lmnt's and "
    "coqui's samplers the published 6 steps fail, so that any usable schedule is near 100 %."
)
NETWORKS = "Denoising error: mean |eps - eps_hat| at a log-SNR, on six held-out clips."


@dataclass(frozen=True)
class Tables:
    """What was measured of one voice."""

    label: str
    checkpoint: str  # beginning of the hash of its weights
    scores: Mapping[str, Mapping[str, float]]  # method -> column -> mean
    learned: pd.Series  # the last row of its learning curve

    def score(self, method: str, weights: Mapping[str, int]) -> float:
        """Returns a method's sum of columns; NaN without a row."""
        means = self.scores.get(method)
        return float("nan") if means is None else sum(weight * means[name] for name, weight in weights.items())


@command("voices_table")
def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the page."""
    parser_of("voices_table", __doc__).parse_args(arguments)
    voices = list(read_voices())
    if not voices:
        raise InputError(f"no voice.csv below {SHIPPED}; run python -m experiments.voice_table of each voice first")
    blocks = ["# The voices side by side", HOW, _scores(voices), SHARE, _shares(voices), NETWORKS, _networks(voices)]
    atomic_write(SHIPPED / "voices.md", "\n\n".join([*blocks, ""]).encode())
    print(f"wrote {SHIPPED / 'voices.md'}")


def read_voices() -> Iterator[Tables]:
    """Reads the tables of all voices that have them."""
    for path in sorted(SHIPPED.glob("*/*hz/voice.csv")):
        rows = pd.read_csv(path, dtype={"checkpoint": str}).set_index("method")
        rows = rows.rename(columns=lambda name: name.replace("pesq_wb", "pesq").replace("pesq_nb", "pesq"))
        means = {method: {name: float(row[f"{name}_mean"]) for name in COLUMNS} for method, row in rows.iterrows()}
        place = path.parent.relative_to(SHIPPED)
        checkpoint = str(rows["checkpoint"].iloc[-1])
        yield Tables(place.as_posix(), checkpoint, means, pd.read_csv(EXPERIMENTS / place / "learning.csv").iloc[-1])


def _scores(voices: Sequence[Tables]) -> str:
    rows = [
        [voice.label, method, *(f"{means[name]:.3f}" for name in COLUMNS)]
        for voice in voices
        for method, means in voice.scores.items()
    ]
    return markdown_table(["voice", "method", *COLUMNS], rows)


def _shares(voices: Sequence[Tables]) -> str:
    rows = [[voice.label, _share(voice, SPECTRAL_PESQ), _share(voice, {"pesq": 1})] for voice in voices]
    return markdown_table(["voice", "in spectral_pesq", "in PESQ"], rows)


def _share(voice: Tables, weights: Mapping[str, int]) -> str:
    """Returns the share in a sum of columns; nothing where a row is missing."""
    ships, longest, published = (voice.score(method, weights) for method in (SHIPS, LONGEST, PUBLISHED))
    share = (ships - published) / (longest - published)
    return "" if math.isnan(share) else f"{100 * share:.0f} %"


def _networks(voices: Sequence[Tables]) -> str:
    levels = [column.removeprefix(ERROR) for column in voices[0].learned.index if column.startswith(ERROR)]
    rows = [
        [voice.label, f"{voice.learned['step']:,.0f}", f"{voice.learned['hours']:.1f}",
         *(f"{voice.learned[ERROR + level]:.4f}" for level in levels)]
        for voice in voices
    ]  # fmt: skip
    return markdown_table(["voice", "steps", "hours", *levels], rows)


if __name__ == "__main__":
    sys.exit(main())
