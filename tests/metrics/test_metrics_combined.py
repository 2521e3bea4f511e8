"""Sums of metrics: values and failures."""

import numpy as np
import pytest
import torch

from schedsearch.metrics import catalogue
from schedsearch.metrics.combined import of_sum
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.measuring import of_batches, of_clips, remembering
from schedsearch.metrics.registry import columns_with, metrics_for, objective
from vocoder.front_ends.lmnt import LmntMel


def squared(reference, estimate):
    return (reference - estimate).square().mean(-1)


def peak(reference, estimate):
    return float(estimate.max()) if estimate.isfinite().all() else Failure("bad samples")


SUM = of_sum(5.0, ((2.0, of_batches(squared)), (-1.0, of_clips(peak))))


def test_a_sum_is_the_constant_and_its_weighted_parts_clip_by_clip():
    references = torch.zeros(2, 4)
    estimates = torch.stack([torch.full((2, 4), 0.5), torch.tensor([[1.0] * 4, [2.0] * 4])])
    # 5 + 2 x^2 - x at 0.5, 0.5, 1 and 2
    assert SUM(references, estimates) == [[pytest.approx(5.0)] * 2, [pytest.approx(6.0), pytest.approx(11.0)]]


def test_a_clip_that_fails_in_one_part_fails_and_spoils_no_other():
    estimates = torch.tensor([[[0.0, torch.nan], [0.0, 0.0]]])
    [row] = SUM(torch.zeros(2, 2), estimates)
    assert row == [Failure("audio has NaN or infinite samples"), 5.0]


@pytest.mark.parametrize(("rate", "mode"), [(8000, "nb"), (16000, "wb"), (22050, "wb")])
def test_the_sum_with_pesq_goes_on_with_the_mode_of_the_rate(rate, mode):
    metrics = metrics_for(LmntMel(rate, 256), rate, names=columns_with("spectral_pesq"))
    found = objective("spectral_pesq", metrics)
    assert found.name == f"spectral_pesq_{mode}" and found is objective(found.name, metrics)


def test_the_sum_with_pesq_adds_up():
    reference = 0.1 * torch.randn(1, 16000, generator=torch.Generator().manual_seed(0))
    estimate = reference + 0.02 * torch.randn(1, 1, 16000, generator=torch.Generator().manual_seed(1))
    metrics = metrics_for(LmntMel(16000, 256), 16000, names=("spectral", "pesq", "spectral_pesq"))
    spectral, pesq, whole = np.ravel([metric.measure(reference, estimate) for metric in metrics.values()])
    # pesq 0.0.4: pesq(16000, x, x, "wb") == 4.643888473510742
    assert whole == pytest.approx(spectral + 4.643888473510742 - pesq, abs=1e-9)


def test_pesq_and_the_sum_with_it_score_the_same_audio_once(monkeypatch):
    asked = []

    def pesq(pairs, sample_rate, jobs):
        asked.append(len(pairs))
        return [2.0] * len(pairs)

    monkeypatch.setattr(catalogue, "parallel_pesq", pesq)
    metrics = metrics_for(LmntMel(16000, 256), 16000, names=("spectral_pesq", "pesq"))
    reference, estimates = torch.ones(2, 16000), torch.ones(3, 2, 16000)
    for metric in metrics.values():
        metric.measure(reference, estimates)
    assert asked == [6]
    metrics["pesq_wb"].measure(reference, estimates[:1])
    assert asked == [6, 2]


def test_other_tensors_are_measured_anew_and_the_last_ones_are_remembered():
    calls = []

    def first_sample(references, estimates):
        calls.append(estimates)
        return [[float(estimates[0, 0, 0])]]

    measure = remembering(first_sample)
    first, second = torch.zeros(1, 1, 4), torch.ones(1, 1, 4)
    reference = torch.zeros(1, 4)
    assert [measure(reference, each) for each in (first, first, second, first)] == [[[0.0]], [[0.0]], [[1.0]], [[0.0]]]
    assert len(calls) == 3
