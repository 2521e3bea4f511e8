"""Laws of common random numbers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from schedsearch.sampling.noise import NoiseBank

BANK = NoiseBank(seed=7)


def test_a_clip_gets_the_same_noise_whatever_its_batch_mates_and_order():
    alone = BANK.for_clips(["a"], 0, 500)
    batch = BANK.for_clips(["b", "a", "c"], 0, 500)
    for k in (3, 0, 1):
        assert torch.equal(batch(k)[1], alone(k)[0])


def test_steps_are_counted_from_the_start_so_a_longer_schedule_begins_with_the_same_noise():
    assert torch.equal(BANK.for_clips(["a"], 0, 100)(2)[0], BANK.draw("a", 0, 2, 100))


def test_a_shorter_clip_gets_the_beginning_of_the_same_noise():
    assert torch.equal(BANK.draw("a", 0, 0, 10_000)[:77], BANK.draw("a", 0, 0, 77))


@pytest.mark.slow
def test_noise_is_the_same_in_another_process():
    # Python's own hash of a string is not
    code = "from schedsearch.sampling.noise import NoiseBank; print(NoiseBank(7).draw('clip', 1, 2, 5).tolist())"
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(BANK.draw("clip", 1, 2, 5).tolist())


keys = st.tuples(st.integers(0, 99), st.text(max_size=4), st.integers(0, 99), st.integers(0, 99))


@given(keys, keys)
def test_noise_differs_between_seeds_clips_repeats_and_steps(first, second):
    (seed, name, repeat, k), (seed2, name2, repeat2, k2) = first, second
    same = torch.equal(
        NoiseBank(seed).draw(name, repeat, k, 16), NoiseBank(seed2).draw(name2, repeat2, k2, 16)
    )
    assert same == (first == second)


def test_keys_that_could_be_spelt_alike_are_told_apart():
    assert not torch.equal(BANK.draw("1 a", 0, 0, 16), BANK.draw("a", 0, 1, 16))
    assert not torch.equal(BANK.draw("a", 1, 11, 16), BANK.draw("a", 11, 1, 16))


def test_noise_is_standard_normal_and_white():
    n = 200_000
    x = BANK.draw("a", 0, 0, n).double().numpy()
    # 4 standard errors of each estimate, under N(0, 1)
    assert abs(x.mean()) < 4 / np.sqrt(n)
    assert abs(x.var() - 1) < 4 * np.sqrt(2 / n)
    assert stats.kstest(x, "norm").pvalue > 1e-4
    for lag in (1, 2, 64, 256):
        assert abs((x[lag:] * x[:-lag]).mean()) < 4 / np.sqrt(n)


def test_clips_repeats_and_steps_are_uncorrelated():
    n = 100_000
    rows = [BANK.draw(*key, n) for key in (("a", 0, 0), ("b", 0, 0), ("a", 1, 0), ("a", 0, 1))]
    correlation = torch.corrcoef(torch.stack(rows)).fill_diagonal_(0)
    assert correlation.abs().max() < 4 / np.sqrt(n)
