"""Tests, times and trains on a GPU within eight minutes: `python -m experiments.gpu_session RESULTS [--minutes 8]`.

| part | what it does | what it leaves in RESULTS |
|---|---|---|
| tests | the tests with the marker cuda | |
| network | the network beside a plain Conv1d execution, in each precision, compiled and as a CUDA graph | network.csv |
| search | a search of 6 steps on the demo voice | search.json |
| throughput | batch size against training throughput | throughput.csv |
| training | trains the demo voice on, in large batches, for the time that is left | checkpoint.pt, learning.csv |

session.csv says how each part ended and how long it took. log.txt holds what they printed. A part that fails or takes
longer than its limit is ended, and the next one begins. `--tiny` tries all of it on a CPU, on tiny networks.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from experiments.running import command, parser_of
from schedsearch.voice.config import load_voice
from vocoder.errors import InputError

ENDING = 75.0  # seconds that training needs beside its time: to read recordings, to validate and to save at the end


@dataclass(frozen=True)
class Part:
    """A command and its time limit; `{hours}` in a word is the limit less what the part needs to end."""

    name: str
    words: Sequence[str]
    seconds: float  # the limit; of the last part, all that is left

    def command(self, seconds: float) -> list[str]:
        """Returns the words to run within so many seconds."""
        hours = max(1.0, seconds - ENDING) / 3600
        # No format(): the user's RESULTS may have braces of its own.
        return [word.replace("{hours}", str(hours)) for word in self.words]


@command("gpu_session")
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all parts; 0 where all ended well, else 1."""
    parser = parser_of("gpu_session", __doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--minutes", type=float, default=8.0, help="for all parts together (default: 8)")
    parser.add_argument("--tiny", action="store_true", help="tiny networks and few rounds: to try it on a CPU")
    options = parser.parse_args(arguments)
    check_recordings()
    options.results.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory() as scratch, (options.results / "log.txt").open("w") as log:
        rows = []
        for part in parts(options.results, Path(scratch), options.tiny):
            left = ends - time.monotonic()
            log.write(f"\n=== {part.name}\n")
            log.flush()
            rows.append(run(part, min(part.seconds, left), log.fileno()))
            print(f"{part.name}: {rows[-1]['ended']}, {rows[-1]['seconds']} s", flush=True)
            pd.DataFrame(rows).to_csv(options.results / "session.csv", index=False)
    return 0 if all(row["ended"] == "well" for row in rows) else 1


def check_recordings() -> None:
    """Raises InputError where the recordings to train on are missing: the session's minutes are dear."""
    training = load_voice("demo").training
    if training and not training.audio.is_dir():
        raise InputError(f"the session trains on {training.audio}, which is not there; obtain it: {training.obtain}")


def parts(results: Path, scratch: Path, tiny: bool) -> list[Part]:
    """Lists all parts, in order."""
    module = [sys.executable, "-m"]
    places = [str(results), str(scratch), *(["--tiny"] if tiny else [])]
    voice = [*module, "experiments.gpu_session.voice_parts"]
    size = "--clips 2 --seconds 0.1 --rounds 3" if tiny else "--clips 16 --rounds 15 --compiled"
    network = [*module, "experiments.bench_network", *size.split(), "--table", str(results / "network.csv")]
    return [
        Part("tests", [*module, "pytest", "-m", "cuda", "-rs", "tests/vocoder"], 60),
        Part("network", network, 90),
        Part("search", [*voice, "search", *places], 150),
        Part("throughput", [*voice, "throughput", *places], 60),
        Part("training", [*voice, "training", *places, "--hours", "{hours}"], float("inf")),
    ]


def run(part: Part, seconds: float, output: int) -> dict[str, object]:
    """Runs a part for at most so many seconds: its row of session.csv."""
    began = time.monotonic()
    if seconds < 5:
        return {"part": part.name, "ended": "not begun: no time was left", "seconds": 0}
    process = subprocess.Popen(part.command(seconds), stdout=output, stderr=output, start_new_session=True)
    try:
        status = process.wait(seconds)
        ended = "well" if status == 0 else f"with status {status}"
    except subprocess.TimeoutExpired:
        ended = "at its time limit"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return {"part": part.name, "ended": ended, "seconds": round(time.monotonic() - began, 1)}


if __name__ == "__main__":
    sys.exit(main())
