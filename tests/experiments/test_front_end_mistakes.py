"""The study of planted mistakes: its checks with nothing wrong, on random sets of clips."""

import csv
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from experiments.front_end_mistakes import __main__ as study
from schedsearch.formatting import counted
from vocoder.audio.reading import Clip


@dataclass(frozen=True)
class Voice:
    """Stands in for a bench: clips, and a diagnosis that finds nothing wrong."""

    recordings: tuple[Clip, ...]
    held_out: tuple[Clip, ...]
    mel: None = None

    @property
    def vocoder(self) -> SimpleNamespace:
        return SimpleNamespace(weights_hash="0" * 64, network=SimpleNamespace(config=SimpleNamespace(factors=(4,))))

    def excerpts(self, clips):
        return clips

    def with_front_end(self, mel):
        return nothing_wrong()


def nothing_wrong() -> SimpleNamespace:
    facts = {"changes": (), "kind": "matches", "ties": (), "given": 0.0, "best": 0.0, "others_mels": 0.0}
    return SimpleNamespace(**facts, pieces=1, tried=1)


def clips(number: int) -> tuple[Clip, ...]:
    return tuple(Clip(f"clip {i}", torch.zeros(8), 16000) for i in range(number))


@pytest.mark.parametrize(("search", "held_out", "told"), [(1, 0, "1 clip"), (2, 2, "4 clips"), (5, 5, "6 clips")])
def test_a_false_alarm_trial_has_as_many_clips_as_there_are_at_most(tmp_path, monkeypatch, search, held_out, told):
    heard: list[list[Clip]] = []

    def diagnosed(vocoder, excerpts, seed):
        heard.append(excerpts)
        return nothing_wrong()

    monkeypatch.setattr(study, "SHIPPED", tmp_path)
    monkeypatch.setattr(study, "mistakes", lambda mel, factors: iter(()))
    monkeypatch.setattr(study, "open_bench", lambda voice: Voice(clips(search), clips(held_out)))
    monkeypatch.setattr(study, "diagnose", diagnosed)
    assert study.main(["demo", "--rate", "16000", "--false-alarms", "2"]) == 0
    folder = tmp_path / "demo" / "16000hz" / "front_end"
    assert [counted(len(excerpts), "clip") for excerpts in heard] == [told] * 2
    assert names(folder / "mistakes.csv") == ["the search clips", f"{told}, seed 0", f"{told}, seed 1"]
    assert f"(random sets of {told}, other noise each)" in (folder / "mistakes.md").read_text()


def names(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["mistake"] for row in csv.DictReader(file)]
