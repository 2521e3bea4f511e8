"""The demo voice as tests of the check need it: its mel with every choice as a field, mistakes, and benches."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import QUICK

from experiments.front_end_mistakes.bench import Bench
from experiments.front_end_mistakes.mistakes import mistakes
from vocoder.audio.reading import read_folder, typical_excerpt
from vocoder.checkpoints.loading import load_vocoder
from vocoder.front_end_check.general_mel import GeneralMel

DEMO = Path(__file__).parents[1] / "experiments" / "demo" / "16000hz"
RIGHT = GeneralMel(16000, 1024, 1024, 256, 80.0, 8000.0, 80)  # experiments/demo/16000hz/config.json
PLANTED = {f"{mistake.where}: {mistake.name}": mistake for mistake in mistakes(RIGHT, (4, 4, 4, 4))}


@pytest.fixture(scope="module")
def long_bench() -> Bench:
    """The demo voice and four of its search clips: pieces of 0.4 s, as a check has them."""
    vocoder = load_vocoder(DEMO / "checkpoint.pt", DEMO / "config.json")
    clips = read_folder(DEMO / "clips" / "search", sample_rate=16000)
    return Bench(vocoder, tuple(clips[:4]), (), QUICK)


@pytest.fixture(scope="module")
def bench(long_bench: Bench) -> Bench:
    """The same with more and shorter clips, a piece of 0.16 s from each: it sees most of what is wrong, and twice as
    fast."""
    clips = read_folder(DEMO / "clips" / "search", sample_rate=16000)[:12]
    return replace(long_bench, recordings=tuple(typical_excerpt(clip, 0.16, RIGHT.hop_length) for clip in clips))
