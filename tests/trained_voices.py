"""Trained voices as tests of the check need them: their mel with every choice as a field, mistakes, and benches."""

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
SMALL = Path(__file__).parent / "small_voice"  # demo's recordings and front end, a network a quarter as wide
RIGHT = GeneralMel(16000, 1024, 1024, 256, 80.0, 8000.0, 80)  # their config.json
PLANTED = {f"{mistake.where}: {mistake.name}": mistake for mistake in mistakes(RIGHT, (4, 4, 4, 4))}


def bench_of(folder: Path) -> Bench:
    """A voice and twelve search clips, a piece of 0.16 s from each: it sees most of what is wrong, and fast."""
    vocoder = load_vocoder(folder / "checkpoint.pt", folder / "config.json")
    clips = read_folder(DEMO / "clips" / "search", sample_rate=16000)[:12]
    return Bench(vocoder, tuple(typical_excerpt(clip, 0.16, RIGHT.hop_length) for clip in clips), (), QUICK)


@pytest.fixture(scope="module")
def bench() -> Bench:
    """The small voice's."""
    return bench_of(SMALL)


@pytest.fixture(scope="module")
def demo_bench() -> Bench:
    """The demo voice's, for what a little trained network does not tell."""
    return bench_of(DEMO)


@pytest.fixture(scope="module")
def long_bench(bench: Bench) -> Bench:
    """The small voice and eight clips: pieces of 0.4 s, as a check has them."""
    clips = read_folder(DEMO / "clips" / "search", sample_rate=16000)
    return replace(bench, recordings=tuple(clips[:8]))
