"""The committed demo clips are what their table says. No network: the recordings are in the repository."""

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

DEMO = Path(__file__).parents[2] / "experiments" / "demo" / "16000hz"


def rows() -> list[dict[str, str]]:
    with (DEMO / "clips.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def clip_files() -> Iterator[Path]:
    return (DEMO / "clips").rglob("*.flac")


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["name"])
def test_clip_holds_the_samples_of_the_table(row: dict[str, str]) -> None:
    audio, rate = soundfile.read(DEMO / "clips" / row["split"] / f"{row['name']}.flac", dtype="int16")
    assert (rate, audio.ndim) == (16000, 1)
    assert len(audio) / rate == pytest.approx(float(row["seconds"]), abs=5e-5)  # the table has four decimals
    assert hashlib.sha256(audio.astype("<i2").tobytes()).hexdigest() == row["sha256"]


@pytest.mark.parametrize("path", sorted(clip_files()), ids=lambda path: path.stem)
def test_clip_is_16_bit_and_lasts_2_to_6_seconds(path: Path) -> None:
    info = soundfile.info(path)
    assert info.subtype == "PCM_16"
    assert 2.0 <= info.duration <= 6.0


def test_table_names_every_committed_clip_once() -> None:
    committed = sorted((path.parent.name, path.stem) for path in clip_files())
    assert committed == sorted((row["split"], row["name"]) for row in rows())


def test_search_and_held_out_share_no_recording() -> None:
    names = [row["name"] for row in rows()]
    recordings = [row["sha256"] for row in rows()]
    assert len(set(names)) == len(names)
    assert len(set(recordings)) == len(recordings)


def test_both_splits_are_large_enough_to_judge_a_schedule() -> None:
    splits = [row["split"] for row in rows()]
    assert splits.count("search") >= 8
    assert splits.count("held_out") >= 20
    assert sum(float(row["seconds"]) for row in rows()) >= 110
