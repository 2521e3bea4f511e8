"""Mistakes that users make, planted in a trained voice one by one, are named. A file of its own: they take a minute."""

import pytest
from trained_voices import PLANTED

from experiments.front_end_mistakes.bench import Bench
from experiments.front_end_mistakes.mistakes import Mistake, finding

# Costs so little that six pieces can't tell it from the right one; all search clips can (mistakes.csv).
SUBTLE = ("configuration: win_length 800",)
# What pieces of 0.16 s can't tell, and those of 0.4 s can.
NEEDS_LONG = ("clips: played backwards", "clips: 12 dB too loud, clipped")
# What a little trained network doesn't tell.
NEEDS_DEMO = (
    "configuration: sample_rate 22050, clips resampled to it",
    "clips: pre-emphasised",
    "clips: 22050 Hz, said to be 16000",
)
# Others of their kind are planted here; mistakes.csv has these too.
ALIKE = (
    "clips: 12 dB too quiet",
    "clips: 24000 Hz, said to be 16000",
    "configuration: f_min 50",
    "configuration: f_max 7600",
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param(mistake, id=name)
        for name, mistake in PLANTED.items()
        if name not in SUBTLE + NEEDS_LONG + NEEDS_DEMO + ALIKE and mistake.where not in ("weights", "several at once")
    ],
)
def test_a_planted_mistake_is_named(bench: Bench, mistake: Mistake) -> None:
    assert_named(mistake, bench)


@pytest.mark.parametrize("name", NEEDS_LONG)
def test_a_planted_mistake_that_longer_pieces_tell_is_named(long_bench: Bench, name: str) -> None:
    assert_named(PLANTED[name], long_bench)


@pytest.mark.parametrize("name", NEEDS_DEMO)
def test_a_planted_mistake_that_a_well_trained_network_tells_is_named(demo_bench: Bench, name: str) -> None:
    assert_named(PLANTED[name], demo_bench)


def assert_named(mistake: Mistake, bench: Bench) -> None:
    found = mistake.plant(bench)
    assert mistake.named_by(found), finding(found)
    assert not found.passes
    assert found.best < found.given
