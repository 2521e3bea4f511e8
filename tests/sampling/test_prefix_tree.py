"""Laws of shared sampling: the audio of sampling each schedule alone, for the network calls of the trie."""

from itertools import combinations

import numpy as np
import pytest
import torch
from exact_reverse import EXACT_DIRECT, EXACT_POSTERIOR, with_process
from shared_sampling import shared_sample

from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.prefix_tree import calls, shared_batches
from schedsearch.sampling.sampler import ancestral_sample
from schedsearch.schedules.formulas import linear, log_snr_line
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.strategies.grid import LevelGrid
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.errors import InputError

SIX = LevelGrid([[13.8, 12, 11], [10, 9.5, 9], [8, 7.5, 7], [6, 5.5, 5], [4, 3.5, 3], [1, 0, -2]])
CLEANEST_DIFFERS = [NoiseSchedule.from_log_snr([top, 5.0, 1.0, -3.0]) for top in (8.0, 9.0, 10.0)]


def scattered(schedules, seed=0):
    """In no order, so that the tree must find what is shared."""
    schedules = list(schedules)
    return [schedules[i] for i in np.random.default_rng(seed).permutation(len(schedules))]


def mels(*deviations, frames=4, dtype=torch.float64):
    return torch.tensor(deviations, dtype=dtype).log()[:, None, None].expand(-1, 1, frames)


def normals(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def relative_difference(found, expected):
    """[C, K, samples] each -> the largest RMS of the difference over the RMS of a clip."""
    return float(((found - expected).square().mean(-1) / expected.square().mean(-1)).sqrt().max())


# --- the same audio -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("process", [EXACT_DIRECT, EXACT_POSTERIOR, LMNT.reverse, COQUI.reverse], ids=lambda p: p.name)
def test_shared_audio_is_that_of_each_schedule_alone(analytic_vocoder, process, dtype):
    schedules, noise = scattered(SIX.schedules()), normals(6, 2, 256).to(dtype)
    given = mels(0.05, 0.4, dtype=dtype)
    shared = shared_sample(with_process(analytic_vocoder, process), given, schedules, noise)
    alone = ancestral_sample(with_process(analytic_vocoder, process), given, schedules, noise)
    torch.testing.assert_close(shared, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["ivanvovk-6", "ivanvovk-12", "ivanvovk-100", "fastdiff-8", "diffwave-6"])
def test_ivanvovks_float32_is_met_but_for_the_rounding_from_the_clean_end(analytic_vocoder, name):
    schedule = published(name)
    noise = normals(len(schedule), 2, 512).float()
    given = mels(0.05, 0.3, frames=8, dtype=torch.float32)
    shared = shared_sample(with_process(analytic_vocoder, IVANVOVK.reverse), given, [schedule], noise)
    alone = ancestral_sample(with_process(analytic_vocoder, IVANVOVK.reverse), given, [schedule], noise)
    assert relative_difference(shared, alone) < 4e-4


def test_the_dialects_own_process_is_the_default(analytic_vocoder):
    schedules, noise = CLEANEST_DIFFERS, normals(4, 1, 64)
    shared = shared_sample(analytic_vocoder, mels(0.2, frames=1), schedules, noise)
    given = shared_sample(with_process(analytic_vocoder, EXACT_DIRECT), mels(0.2, frames=1), schedules, noise)
    assert torch.equal(shared, given)  # the analytic vocoder's


@pytest.mark.parametrize("states_at_once", [1, 2, 7, 1000])
def test_audio_and_calls_do_not_depend_on_how_many_states_fit(analytic_vocoder, states_at_once):
    rungs = combinations(range(-3, 5), 4)  # a tree whose branches differ in number
    schedules, noise = scattered(NoiseSchedule.from_log_snr(path[::-1]) for path in rungs), normals(4, 2, 128)
    given = mels(0.1, 0.3, frames=2)
    analytic_vocoder.rows.clear()
    found = shared_sample(analytic_vocoder, given, schedules, noise, states_at_once=states_at_once)
    assert sum(analytic_vocoder.rows) == calls(schedules, clips=2)
    assert max(analytic_vocoder.rows) <= 2 * states_at_once
    torch.testing.assert_close(found, ancestral_sample(analytic_vocoder, given, schedules, noise), rtol=0, atol=1e-12)


def test_a_schedules_audio_does_not_depend_on_which_others_share_the_tree(analytic_vocoder):
    schedules, noise, given = scattered(SIX.schedules())[:40], normals(6, 1, 64), mels(0.2, frames=1)
    together = shared_sample(with_process(analytic_vocoder, IVANVOVK.reverse), given, schedules, noise)
    for schedule, audio in zip(schedules[:5], together, strict=False):
        alone = shared_sample(with_process(analytic_vocoder, IVANVOVK.reverse), given, [schedule], noise)
        torch.testing.assert_close(audio, alone[0], rtol=0, atol=1e-12)


def test_noise_as_a_function_is_drawn_as_for_sampling_alone(analytic_vocoder):
    noise = NoiseBank(3).for_clips(["a", "b"], 0, 128)
    given = mels(0.1, 0.3, frames=2, dtype=torch.float32)
    shared = shared_sample(analytic_vocoder, given, CLEANEST_DIFFERS, noise)
    assert torch.equal(shared, ancestral_sample(analytic_vocoder, given, CLEANEST_DIFFERS, noise))


# --- network calls --------------------------------------------------------------------------------


def test_a_full_grid_costs_its_prefixes_and_sampling_each_alone_four_times_as_much(analytic_vocoder):
    schedules, noise = scattered(SIX.schedules()), normals(6, 1, 64)
    analytic_vocoder.rows.clear()
    shared_sample(analytic_vocoder, mels(0.2, frames=1), schedules, noise)
    assert sum(analytic_vocoder.rows) == calls(schedules, clips=1) == 1092
    assert len(schedules) * 6 == 4374


def test_calls_are_counted_on_levels_though_betas_differ_from_the_noisiest_on():
    # equal levels above the cleanest; the second beta depends on the first level, and so do rounding errors
    assert len({schedule.betas[1] for schedule in CLEANEST_DIFFERS}) == 3
    assert calls(CLEANEST_DIFFERS, clips=1) == 3 + 3
    assert calls(CLEANEST_DIFFERS, clips=5) == 30


def test_schedules_of_equal_betas_but_the_last_share_nothing():
    # The published grids: the noisiest level depends on every beta.
    schedules = [NoiseSchedule(np.array([first, 1e-3, 1e-1])) for first in (1e-5, 2e-5, 9e-5)]
    assert calls(schedules, clips=1) == 9


def test_equal_schedules_are_sampled_once_and_all_answered(analytic_vocoder):
    schedules, noise = [*CLEANEST_DIFFERS, CLEANEST_DIFFERS[0]], normals(4, 1, 64)
    found = shared_sample(analytic_vocoder, mels(0.2, frames=1), schedules, noise)
    assert torch.equal(found[0], found[3])
    assert calls(schedules, clips=1) == calls(CLEANEST_DIFFERS, clips=1)


def test_batches_answer_each_schedule_once_and_hold_no_more_than_fits(analytic_vocoder):
    schedules = scattered(SIX.schedules())
    given, noise = mels(0.2, frames=1), normals(6, 1, 64)
    batches = list(shared_batches(analytic_vocoder, given, schedules, noise, states_at_once=10))
    assert sorted(place for places, _ in batches for place in places) == list(range(729))
    assert max(len(audio) for _, audio in batches) <= 10


@pytest.mark.slow
def test_a_thousand_steps_are_no_deeper_than_the_interpreter_allows(analytic_vocoder):
    schedules, noise = [log_snr_line(1000, first, -5.0) for first in (9.0, 12.0)], normals(1000, 1, 64)
    found = shared_sample(analytic_vocoder, mels(0.2, frames=1), schedules, noise)
    assert found.shape == (2, 1, 64)
    assert found.isfinite().all()


# --- refusals and failures ------------------------------------------------------------------------


def test_one_schedule_with_nan_leaves_the_others_alone(analytic_vocoder):
    noise = normals(4, 2, 64)
    noise[1, 0, 5] = torch.nan
    found = shared_sample(analytic_vocoder, mels(0.1, 0.2, frames=1), CLEANEST_DIFFERS, noise)
    assert found[:, 0, 5].isnan().all()
    assert found[:, 1].isfinite().all()


@pytest.mark.parametrize("schedules", [[], [linear(3, 1e-4, 0.1), linear(4, 1e-4, 0.1)]])
def test_schedules_of_unequal_length_or_none_are_refused(analytic_vocoder, schedules):
    with pytest.raises(InputError, match="equally long"):
        shared_sample(analytic_vocoder, mels(0.2, frames=1), schedules, normals(3, 1, 64))


def test_noise_of_another_shape_is_refused(analytic_vocoder):
    with pytest.raises(InputError, match="noise must be"):
        shared_sample(analytic_vocoder, mels(0.2, frames=1), CLEANEST_DIFFERS, normals(4, 1, 63))
