"""Numbers that are not betas from the cleanest step on are recognised, and read as what they are."""

import numpy as np
import pytest
from curves import cosine, karras

from schedsearch.schedules import named
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.files import read_schedule
from schedsearch.schedules.formulas import linear
from schedsearch.schedules.readings import Reading, doubt, likely, read_as
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import space_for
from vocoder.errors import InputError

NAMED = named.published_schedules() | named.universal_schedules()
USUAL = NAMED | {
    "training": linear(1000, 1e-6, 1e-2),
    "ddpm": linear(1000, 1e-4, 0.02),
    "karras": karras(12, 0.01, 3.0),
}


@pytest.mark.parametrize("name", USUAL)
def test_each_wrong_writing_of_a_usual_schedule_is_recognised_and_mended(name):
    schedule = USUAL[name]
    writings = {
        Reading.ALPHAS_CUMPROD: schedule.alphas_cumprod,
        Reading.NOISE_LEVELS: schedule.noise_level,
        Reading.REVERSED: schedule.betas[::-1],
    }
    for reading, numbers in writings.items():
        orders = [numbers] if reading is Reading.REVERSED else [numbers, numbers[::-1]]
        for order in orders:
            assert reading in likely(order), (reading, order)
            assert f"--from {reading}" in str(doubt(order))
            np.testing.assert_allclose(read_as(order, reading).betas, schedule.betas, rtol=1e-8)


@pytest.mark.parametrize("name", USUAL)
def test_alphas_given_as_betas_are_recognised_and_turned_into_betas(name):
    betas = USUAL[name].betas
    alphas = 1 - betas
    assert (Reading.ALPHAS in likely(alphas)) == (betas.max() < 0.95)
    if betas[0] < betas[-1]:
        np.testing.assert_allclose(read_as(alphas, Reading.ALPHAS).betas, betas, atol=1e-15)


@pytest.mark.parametrize("steps", [1, 2, 3, 6, 7, 12, 25, 50, 100, 1000])
def test_no_usual_schedule_is_doubted(steps):
    schedules = {**baselines(steps), "cosine": cosine(steps), "karras": karras(steps, 0.002, 10.0)}
    random = np.random.default_rng(steps)
    space = space_for(steps)
    schedules |= {f"random {i}": space.decode(random.random(space.dimensions)) for i in range(100)}
    assert {name: doubt(schedule.betas) for name, schedule in schedules.items() if doubt(schedule.betas)} == {}


def test_the_published_schedules_are_not_doubted():
    assert not [name for name, schedule in NAMED.items() if doubt(schedule.betas)]


@pytest.mark.parametrize("numbers", [[0.1], [0.3, 0.3], [1.0, 0.5], [0.5, np.nan], [0.9, 0.0]])
def test_single_equal_and_illegal_numbers_look_like_nothing_else(numbers):
    assert likely(np.array(numbers)) == ()


@pytest.mark.parametrize(
    ("reading", "numbers", "message"),
    [
        (Reading.ALPHAS_CUMPROD, [0.9, 0.9], "alphas_cumprod must fall"),
        (Reading.NOISE_LEVELS, [1.0, 0.9], r"noise level must lie in \(0, 1\): step 0 is 1"),
        (Reading.REVERSED, [0.5, 0.0], r"beta must lie in \(0, 1\): step 0 is 0"),
    ],
)
def test_numbers_that_are_not_what_they_are_read_as_are_refused(reading, numbers, message):
    with pytest.raises(InputError, match=message):
        read_as(np.array(numbers), reading)


def test_reading_such_a_file_for_use_warns(tmp_path):
    (tmp_path / "s.json").write_text(str(USUAL["karras"].betas[::-1].tolist()))
    with pytest.warns(UserWarning, match=r"s.json: the numbers look like betas in reverse order.*--from reversed"):
        assert isinstance(read_schedule(tmp_path / "s.json"), NoiseSchedule)
