"""Metrics by name: which are reported, and which may be objectives."""

import pytest
import torch

from schedsearch.metrics.catalogue import catalogue
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.registry import columns_with, metrics_for, objective, usual_columns
from vocoder.errors import InputError
from vocoder.front_ends.lmnt import LmntMel

FRONT_END = LmntMel(16000, 256)


def test_the_usual_columns_are_the_default_in_the_mode_of_the_rate():
    assert tuple(metrics_for(FRONT_END, 16000)) == ("spectral", "log_mel_l1", "pesq_wb", "stoi", "lsd", "level")
    assert "pesq_nb" in metrics_for(LmntMel(8000, 256), 8000)


def test_every_metric_is_described_in_one_line_by_a_name_of_its_own():
    names = [definition.name for definition in catalogue(16000)]
    assert len(set(names)) == len(names)
    for definition in catalogue(16000):
        assert 0 < len(definition.summary) <= 90
        assert "\n" not in definition.summary


def test_every_metric_that_ranks_can_be_the_objective_and_comes_first():
    for definition in catalogue(16000):
        if definition.ranks and definition.name != "distill_mos":  # need not be installed
            metrics = metrics_for(FRONT_END, 16000, names=columns_with(definition.name))
            assert next(iter(metrics)) == definition.name
            assert set(metrics) >= set(metrics_for(FRONT_END, 16000))
            assert objective(definition.name, metrics) == metrics[definition.name]


def test_the_level_cannot_be_an_objective():
    with pytest.raises(InputError, match="OBJECTIVE must be one of .* and is 'level'"):
        columns_with("level")
    with pytest.raises(InputError, match="OBJECTIVE must be one of .* and is 'level'"):
        objective("level", metrics_for(FRONT_END, 16000))


@pytest.mark.parametrize("name", ["pesq", "pesq_wb"])
def test_pesq_stands_for_the_mode_of_the_rate_and_appears_once(name):
    metrics = metrics_for(FRONT_END, 16000, names=columns_with(name))
    assert objective("pesq", metrics).name == "pesq_wb"
    assert len(metrics) == len(usual_columns())


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="must be one of log_mel_l1, .*, level, and is 'mos'"):
        metrics_for(FRONT_END, 16000, names=("mos",))


def test_an_objective_without_pesq_among_the_columns_is_refused():
    with pytest.raises(InputError, match="is 'pesq'"):
        objective("pesq", metrics_for(FRONT_END, 16000, names=("lsd",)))


def test_silence_and_bad_samples_are_told_apart():
    level = metrics_for(FRONT_END, 16000)["level"]
    hiss = torch.randn(2, 400, generator=torch.Generator().manual_seed(0))
    [row] = level.measure(hiss, torch.stack([0 * hiss[0], hiss[1] * torch.nan])[None])
    assert row == [Failure("it is -inf: a clip is silent"), Failure("audio has NaN or infinite samples")]
