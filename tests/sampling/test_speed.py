"""Laws of a speed: what is timed, how many rounds, and that nothing else is in it."""

from itertools import accumulate, chain, repeat

import numpy as np
import pytest
import torch
from conftest import AnalyticVocoder, noise_clip

from schedsearch.sampling.speed import (
    LEAST_ROUNDS,
    PATIENCE,
    ROUNDS,
    Speed,
    evaluations_per_audio_second,
    machine,
    measure,
    typical_length,
)
from schedsearch.schedules.formulas import linear, log_snr_line
from vocoder.errors import InputError

CLIP = noise_clip("a", 16000)  # one second


def clock(*rounds: float):
    """Shows times between which `rounds` seconds pass, the unmeasured call's first, and none elsewhere."""
    ticks = accumulate(chain.from_iterable((0.0, seconds) for seconds in rounds))
    return lambda: next(ticks)


def test_the_real_time_factor_is_the_median_round_a_second_of_audio():
    found = measure(AnalyticVocoder(), CLIP, log_snr_line(6, 10, -4), clock=clock(9.0, 3.0, 1.0, 2.0, 5.0, 4.0))
    assert found.seconds == pytest.approx((3.0, 1.0, 2.0, 5.0, 4.0))
    assert found.real_time_factor == pytest.approx(3.0)
    assert found.quartiles == pytest.approx((2.0, 4.0))  # of 1, 2, 3, 4, 5
    assert found.evaluations_per_second == pytest.approx(6 / 3.0)
    assert (found.iterations, found.rounds) == (6, ROUNDS)


def test_half_the_audio_in_the_same_time_doubles_the_factor():
    whole, half = (Speed(6, seconds, (1.0, 2.0, 3.0)) for seconds in (2.0, 1.0))
    assert half.real_time_factor == pytest.approx(2 * whole.real_time_factor)
    assert half.evaluations_per_second == pytest.approx(whole.evaluations_per_second)


def test_each_round_runs_every_step_once_and_one_call_goes_before():
    vocoder = AnalyticVocoder()
    measure(vocoder, CLIP, log_snr_line(7, 10, -4), rounds=4)
    assert vocoder.rows == [1] * (1 + 4 * 7)


def test_a_long_schedule_gets_fewer_rounds_and_never_fewer_than_the_least():
    slow = clock(*repeat(PATIENCE, 20))
    assert measure(AnalyticVocoder(), CLIP, linear(3, 1e-4, 0.1), clock=slow).rounds == LEAST_ROUNDS
    middling = clock(*repeat(PATIENCE / 3.5, 20))
    assert measure(AnalyticVocoder(), CLIP, linear(3, 1e-4, 0.1), clock=middling).rounds == 4


def test_a_clip_is_cut_to_whole_hops_and_the_factor_counts_what_was_synthesised():
    odd = noise_clip("odd", 16000 + 63)  # the hop is 64
    assert measure(AnalyticVocoder(), odd, linear(2, 1e-4, 0.1)).audio_seconds == 1.0


def test_equal_lengths_make_the_same_network_calls_whatever_their_betas():
    calls = []
    for schedule in (linear(5, 1e-6, 0.01), log_snr_line(5, 10, -5)):
        vocoder = AnalyticVocoder()
        measure(vocoder, CLIP, schedule, rounds=3)
        calls.append(vocoder.rows)
    assert calls[0] == calls[1]


def test_evaluations_a_second_of_audio_are_one_a_step_and_clip():
    clips = [noise_clip("a", 16000), noise_clip("b", 32000)]
    assert evaluations_per_audio_second(6, clips) == pytest.approx(6 * 2 / 3)
    longer = [noise_clip("a", 32000), noise_clip("b", 64000)]
    assert evaluations_per_audio_second(6, longer) == pytest.approx(evaluations_per_audio_second(6, clips) / 2)


def test_the_clip_of_median_length_is_timed():
    clips = [noise_clip(name, samples) for name, samples in (("long", 3000), ("short", 1000), ("middle", 2000))]
    assert typical_length(clips).name == "middle"


@pytest.mark.parametrize(("audio", "seconds"), [(1.0, ()), (0.0, (1.0,)), (1.0, (1.0, 0.0))])
def test_a_speed_without_time_or_audio_is_refused(audio, seconds):
    with pytest.raises(InputError, match="measure again"):
        Speed(6, audio, seconds)


def test_a_machine_is_told_by_device_and_threads():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert machine(AnalyticVocoder()) == "cpu, 1 thread"
        torch.set_num_threads(2)
        assert machine(AnalyticVocoder()) == "cpu, 2 threads"
    finally:
        torch.set_num_threads(before)


def test_a_measurement_on_this_machine_is_finite_and_positive():
    found = measure(AnalyticVocoder(), CLIP, log_snr_line(6, 10, -4), rounds=3)
    assert np.isfinite([found.real_time_factor, *found.quartiles]).all()
    assert 0 < found.quartiles[0] <= found.real_time_factor <= found.quartiles[1]
