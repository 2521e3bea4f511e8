"""Obtains the voice kathleen-22k: `python -m experiments.obtain_kathleen OUT_FOLDER [--source FOLDER]`.

CMU Arctic prompts read by Kathleen, US English, CC0 (kathleen-22k/LICENSE.md), 48 kHz stereo. Without --source the
public repository is cloned with git at a fixed commit (450 MB); with it, FOLDER is a copy of that repository obtained
before, or recordings prepared at 22,050 Hz already, with a manifest.csv that names them in its column `file`.

kathleen-22k/22050hz/takes.csv says which 380 prompts are used (their signal-to-noise ratios are 35 to 51 dB), which
take of each, and which 28 are kept from training: places 17, 37, 57, ... of all 1,132 prompts in alphabetical order, as
far as they are used. Of those 28, places 0 and 3 of every seven are for the search (8), the others are held out (20).
A prompt is used in one take only, so none stands on two sides.

Prepared means: the left channel (both are equal) at 22,050 Hz (soxr, VHQ), a Butterworth high-pass of 4th order at
60 Hz run forwards and backwards, -23 dBFS RMS unless a peak would pass 0.95, 16-bit mono FLAC, nothing trimmed. Writes
OUT_FOLDER/train and OUT_FOLDER/clips/{search,held_out} and checks the clips against the committed table. Other versions
of soxr and scipy may round a few samples otherwise: that is said, and refused only where a clip has another length.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfiltfilt

from experiments.obtaining import clip_row, read_table, reason_of, refuse_strangers, write_flac, write_table

REPOSITORY = "https://github.com/rhasspy/dataset-voice-kathleen"
COMMIT = "c51cb971036a127359b43c621f26ca5081eab13e"
BY_HAND = f"download {REPOSITORY} at commit {COMMIT[:8]} on another machine and pass its folder with --source"
HERE = Path(__file__).parent / "kathleen-22k" / "22050hz"
TAKES, TABLE = HERE / "takes.csv", HERE / "clips.csv"
ORIGINAL_RATE, RATE = 48000, 22050  # Hz
HIGH_PASS = 60.0  # Hz
LEVEL, PEAK = 10 ** (-23 / 20), 0.95  # RMS; full scale 1
SAME_LENGTH = 2  # samples: resamplers differ by one in rounding a length


@dataclass(frozen=True)
class Recording:
    """One prompt in the take that is used."""

    name: str
    take: str  # when it was recorded, seconds since 1970
    split: str  # train, search or held_out

    @property
    def original(self) -> Path:
        """The file in the public repository."""
        return Path("data") / f"{self.name}_{self.take}.wav"

    @property
    def prepared(self) -> Path:
        """The file in OUT_FOLDER."""
        folder = Path("train") if self.split == "train" else Path("clips") / self.split
        return folder / f"{self.name}.flac"


def clone(folder: Path) -> Path:
    """Clones the public repository at COMMIT, without its history."""
    git = ["git", "-C", str(folder)]
    for arguments in (
        ["init", "--quiet"],
        ["fetch", "--quiet", "--depth", "1", REPOSITORY, COMMIT],
        ["checkout", "--quiet", "FETCH_HEAD"],
    ):
        try:
            done = subprocess.run([*git, *arguments], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise SystemExit(f"git is not on this machine; {BY_HAND}") from None
        if done.returncode != 0:
            reason = reason_of(done.stderr)
            raise SystemExit(f"git {arguments[0]} of {REPOSITORY} failed ({reason}); {BY_HAND}")
    return folder


def read(path: Path, rate: int, *, channels: Sequence[int]) -> np.ndarray:
    """Reads int16 [samples, channel]; SystemExit where the file is missing or something else."""
    try:
        audio, file_rate = soundfile.read(path, dtype="int16", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise SystemExit(f"{path} cannot be read ({error}); {BY_HAND}") from error
    if file_rate != rate or audio.shape[1] not in channels or not len(audio):
        raise SystemExit(
            f"{path} must be {rate} Hz with {' or '.join(map(str, channels))} channels, and is {file_rate} Hz with "
            f"{audio.shape[1]}, {len(audio)} samples; {BY_HAND}"
        )
    return np.asarray(audio)


def prepare(original: np.ndarray) -> np.ndarray:
    """Prepares int16 [samples, channel] at 48 kHz as the head of this file says: int16 [samples] at 22,050 Hz."""
    left = soxr.resample(original[:, 0] / 2**15, ORIGINAL_RATE, RATE, quality="VHQ")
    audio: np.ndarray = sosfiltfilt(butter(4, HIGH_PASS, "highpass", fs=RATE, output="sos"), left)
    audio = audio * min(LEVEL / np.sqrt(np.mean(audio**2)), PEAK / np.abs(audio).max())
    whole: np.ndarray = np.round(audio * 2**15).astype(np.int16)
    return whole


def audio_of(source: Path, used: Sequence[Recording]) -> Iterator[tuple[Recording, np.ndarray]]:
    """Yields each recording, int16 [samples] at 22,050 Hz, from either kind of folder."""
    manifest = source / "manifest.csv"
    files = prepared_files(manifest) if manifest.is_file() else None
    for recording in used:
        if files is None:
            yield recording, prepare(read(source / recording.original, ORIGINAL_RATE, channels=(1, 2)))
        elif recording.name in files:
            yield recording, read(files[recording.name], RATE, channels=(1,))[:, 0]
        else:
            raise SystemExit(f"{manifest} lacks {recording.name}; {BY_HAND}")


def prepared_files(manifest: Path) -> dict[str, Path]:
    """Reads name -> file of every row of a manifest."""
    rows = read_table(manifest)
    columns = list(rows[0]) if rows else []
    if "file" not in columns:
        raise SystemExit(f"{manifest} must have a column 'file', and has {columns}; {BY_HAND}")
    return {Path(row["file"]).stem: manifest.parent / row["file"] for row in rows}


def differing(rows: Sequence[dict[str, str]], table: Path) -> list[str]:
    """Names the clips whose samples are not those of the table; SystemExit for another recording."""
    committed = {row["name"]: row for row in read_table(table)}
    if {(row["name"], row["split"]) for row in rows} != {(row["name"], row["split"]) for row in committed.values()}:
        raise SystemExit(f"the clips are not those of {table}; take this script and its tables from one version")
    for row in rows:
        wanted = committed[row["name"]]["seconds"]
        if abs(float(row["seconds"]) - float(wanted)) > (SAME_LENGTH + 0.5) / RATE:
            raise SystemExit(f"{row['name']} lasts {row['seconds']} s instead of {wanted} s: another take? {BY_HAND}")
    return [row["name"] for row in rows if row["sha256"] != committed[row["name"]]["sha256"]]


def obtain(source: Path, out: Path) -> str:
    """Writes everything and says what; warns of samples that differ."""
    used = [Recording(**row) for row in read_table(TAKES)]
    refuse_strangers(out, {out / recording.prepared for recording in used})
    rows, seconds = [], 0.0
    for recording, audio in audio_of(source, used):
        write_flac(out / recording.prepared, audio, RATE)
        if recording.split == "train":
            seconds += len(audio) / RATE
        else:
            rows.append(clip_row(recording.name, recording.split, audio, RATE))
    write_table(out / "clips.csv", rows)
    others = differing(rows, TABLE)
    if others:
        print(
            f"warning: {len(others)} of {len(rows)} clips, such as {others[0]}, differ in their samples from "
            f"{TABLE.name}: prepared elsewhere, or with another soxr or scipy; scores may differ in their last digits",
            file=sys.stderr,
        )
    same = "as in the table" if not others else f"{len(rows) - len(others)} of them as in the table"
    return f"train: {len(used) - len(rows)} files, {seconds / 60:.1f} min; clips: {len(rows)}, {same}"


def main() -> None:
    """Writes the voice."""
    parser = argparse.ArgumentParser(description="Obtains the voice kathleen-22k as FLAC.")
    parser.add_argument("out", type=Path, metavar="OUT_FOLDER")
    parser.add_argument("--source", type=Path, metavar="FOLDER", help="the public repository, or prepared recordings")
    args = parser.parse_args()
    if args.source is not None and not args.source.is_dir():
        raise SystemExit(f"{args.source} is no folder; {BY_HAND}")
    with tempfile.TemporaryDirectory() as folder:
        print(obtain(args.source or clone(Path(folder)), args.out))


if __name__ == "__main__":
    main()
