"""Laws of the schedule families, and golden numbers of published schedules."""

import numpy as np
import pytest

from schedsearch.schedules import formulas, named
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.errors import InputError

LENGTHS = [1, 2, 3, 5, 6, 7, 10, 12, 25, 26, 30, 50, 100, 200, 1000]


def test_fibonacci_of_25_steps_is_the_published_schedule_to_the_last_digit():
    # schedules/pretrained/25iters.pt of ivanvovk/WaveGrad
    assert formulas.fibonacci(25, 1e-6, 2e-6) == named.published("ivanvovk-25")


@pytest.mark.parametrize(
    ("name", "log_snr"),
    [
        # design table, "Log-SNR of published schedules", one decimal
        ("ivanvovk-6", [13.8, 10.8, 8.9, 6.8, 4.4, 2.6]),
        ("ivanvovk-12", [13.8, 11.7, 11.2, 9.9, 8.4, 7.4, 6.2, 5.3, 4.8, 3.8, 3.4, 2.3]),
        ("fastdiff-6", [13.2, 10.4, 7.7, 4.9, 2.2, -0.6]),
        ("diffwave-6", [9.2, 6.8, 4.5, 2.7, 1.1, -0.5]),
        ("bddm-lj-7", [8.9, 6.8, 4.6, 1.8, 0.5, -0.2, -0.8]),
    ],
)
def test_published_schedules_have_their_log_snr(name, log_snr):
    np.testing.assert_allclose(named.published(name).log_snr, log_snr, atol=0.0501)


def test_the_published_table_holds_fifteen_schedules_whose_names_end_in_their_length():
    assert len(named.published_schedules()) == 15
    for name in named.published_schedules():
        assert len(named.published(name)) == int(name.rsplit("-", 1)[1])


def test_the_published_1000_steps_are_refused_with_the_beta_that_is_not_legal():
    with pytest.raises(InputError, match=r"ivanvovk-1000 .* step 18 is -1.43316e-07"):
        named.published("ivanvovk-1000")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match="'ivanvovk-8'; known: ivanvovk-6, "):
        named.published("ivanvovk-8")


def test_linear_is_the_training_schedule_of_wavegrad():
    # design table: linear(1e-6, 0.01, 1000) at steps 0, 9, 99, 499, 999
    schedule = formulas.linear(1000, 1e-6, 1e-2)
    np.testing.assert_allclose(
        schedule.log_snr[[0, 9, 99, 499, 999]], [13.8, 7.7, 3.0, -0.9, -5.0], atol=0.0501
    )
    assert schedule.terminal_level == pytest.approx(0.081, abs=5e-4)


def test_cosine_follows_its_equation_up_to_the_step_before_the_last():
    n, s = 49, 0.008
    a = [
        np.cos((t / (n + 1) + s) / (1 + s) * np.pi / 2) ** 2 / np.cos(s / (1 + s) * np.pi / 2) ** 2
        for t in range(1, n + 1)
    ]
    np.testing.assert_allclose(formulas.cosine(n).alphas_cumprod, a, rtol=1e-10)


def test_karras_spaces_the_root_of_sigma_evenly():
    schedule = formulas.karras(10, 0.01, 5.0)
    sigma = np.sqrt((1 - schedule.alphas_cumprod) / schedule.alphas_cumprod)
    np.testing.assert_allclose(sigma[[0, -1]], [0.01, 5.0], rtol=1e-9)
    np.testing.assert_allclose(np.diff(sigma ** (1 / 7), 2), 0, atol=1e-9)


def test_exponential_has_equal_ratios_and_its_ends():
    betas = formulas.exponential(6, 1e-6, 1e-1).betas
    np.testing.assert_allclose(betas, [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1], rtol=1e-12)


@pytest.mark.parametrize("name", named.published_schedules())
@pytest.mark.parametrize("n", [2, 6, 13, 40])
def test_resampling_keeps_both_ends_and_falls(name, n):
    before, after = named.published(name), formulas.resample(named.published(name), n)
    assert len(after) == n
    np.testing.assert_allclose(after.log_snr[[0, -1]], before.log_snr[[0, -1]], atol=1e-12)
    assert (np.diff(after.log_snr) < 0).all()


def test_resampling_to_the_same_length_changes_nothing():
    schedule = named.published("ivanvovk-12")
    assert formulas.resample(schedule, 12) == schedule


def test_resampling_a_line_gives_a_line():
    resampled = formulas.resample(formulas.log_snr_line(6, 10, -4), 11)
    np.testing.assert_allclose(resampled.log_snr, np.linspace(10, -4, 11), atol=1e-12)


def test_resampling_to_twice_the_intervals_passes_through_the_old_levels():
    schedule = named.published("bddm-lj-7")
    np.testing.assert_allclose(formulas.resample(schedule, 13).log_snr[::2], schedule.log_snr, atol=1e-12)


def test_one_step_alone_is_the_noisiest_and_has_no_curve():
    one = formulas.resample(named.published("diffwave-6"), 1)
    assert one.terminal_level == pytest.approx(named.published("diffwave-6").terminal_level, rel=1e-14)
    with pytest.raises(InputError, match="no curve"):
        formulas.resample(one, 2)


def test_repeating_keeps_order_and_spreads_evenly():
    repeated = formulas.repeat(NoiseSchedule(np.array([0.1, 0.2, 0.3])), 7)
    np.testing.assert_array_equal(repeated.betas, [0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3])
    with pytest.raises(InputError, match="longer"):
        formulas.repeat(repeated, 3)


@pytest.mark.parametrize("n", LENGTHS)
def test_every_baseline_has_the_length_asked_for_and_ends_where_sampling_can_start(n):
    known = baselines(n)
    assert len(known) >= 4
    for schedule in known.values():
        assert len(schedule) == n
        assert formulas.TERMINAL_LOG_SNR[0] <= schedule.log_snr[-1] <= formulas.TERMINAL_LOG_SNR[1]


@pytest.mark.parametrize("n", LENGTHS)
def test_no_baseline_is_there_twice(n):
    found = list(baselines(n).values())
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("n", LENGTHS)
def test_published_schedules_are_resampled_only_where_none_has_the_length(n):
    names = baselines(n)
    of_this_length = {name for name, schedule in named.published_schedules().items() if len(schedule) == n}
    assert of_this_length <= set(names)
    resampled = [name for name in names if "resampled" in name and "fibonacci" not in name]
    assert bool(resampled) == (not of_this_length)


@pytest.mark.parametrize("n", [n for n in LENGTHS if n <= 100])
def test_every_usual_length_has_a_fibonacci_baseline(n):
    # under its own name, or as ivanvovk-25, which it is
    assert any("fibonacci" in name or name == "ivanvovk-25" for name in baselines(n))


def test_baselines_of_ten_steps_are_resampled_from_the_nearest_of_each_publisher():
    assert {name for name in baselines(10) if "resampled" in name and "fibonacci" not in name} == {
        "ivanvovk-12 resampled to 10",
        "bddm-lj-12 resampled to 10",
        "bddm-vctk-8 resampled to 10",
        "diffwave-6 resampled to 10",
        "fastdiff-8 resampled to 10",
        "priorgrad-12 resampled to 10",
    }


def test_baselines_hold_the_test_schedule_of_ivanvovk_and_coqui():
    # configs/default.json and wavegrad_config.py: 50 steps from 1e-6 to 1e-2
    assert baselines(50)["linear 1e-6 to 1e-2"] == NoiseSchedule(np.linspace(1e-6, 1e-2, 50))


def test_baselines_past_25_steps_repeat_the_fibonacci_betas():
    assert set(baselines(50)["fibonacci-25 repeated to 50"].betas) == set(
        named.published("ivanvovk-25").betas
    )


@pytest.fixture
def universal_6(monkeypatch):
    """As if universal.json held one schedule."""
    schedule = formulas.log_snr_line(6, 9.5, -3.5)
    entry = {"betas": schedule.betas.tolist(), "voices": ["demo/16000hz"]}
    tables = {"published": named._entries("published"), "universal": {"universal-6": entry}}
    monkeypatch.setattr(named, "_entries", tables.get)
    return schedule


def test_a_universal_schedule_is_a_baseline_of_its_length_alone(universal_6):
    assert named.universal_schedules() == {"universal-6": universal_6}
    assert baselines(6)["universal-6"] == universal_6
    assert not {name for n in (5, 7, 12) for name in baselines(n) if "universal" in name}


def test_a_universal_schedule_is_no_baseline_of_a_dataset_that_chose_it(universal_6):
    assert "universal-6" not in baselines(6, own={"mine", "demo"})
    assert baselines(6, own={"other"})["universal-6"] == universal_6


def test_every_named_schedule_says_where_it_comes_from():
    for name in [*named.published_schedules(), *named.universal_schedules(), "karras-2", "karras-1000"]:
        schedule, source = named.named(name) or pytest.fail(name)
        assert len(source) > 10
        assert name.endswith(f"-{len(schedule)}")


@pytest.mark.parametrize("n", [6, 25])
def test_the_curve_of_karras_is_the_baseline_by_its_name(n):
    source = "Karras et al. 2022, eq. 5, sigma from 0.002 to 10"
    assert named.named(f"karras-{n}") == (baselines(n)["karras 0.002 to 10"], source)


@pytest.mark.parametrize("name", ["karras-0", "karras-1", "karras-1001", "karras-06", "karras", "karras-6.0"])
def test_what_is_no_length_of_karras_has_no_name(name):
    assert named.named(name) is None


def test_what_is_shipped_as_universal_has_the_length_of_its_name():
    assert {"universal-6", "universal-12"} <= set(named.universal_schedules())
    for name, schedule in named.universal_schedules().items():
        length = int(name.rsplit("-", 1)[1])
        assert len(schedule) == length
        assert name not in baselines(length, own={"demo"})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: formulas.linear(0, 1e-6, 1e-2), "at least one step: got 0"),
        (lambda: formulas.linear(-1, 1e-6, 1e-2), "at least one step: got -1"),
        (lambda: formulas.linear(3, 0.0, 1e-2), "step 0 is 0"),
        (lambda: formulas.exponential(3, 0.0, 0.1), "must be positive"),
        (lambda: formulas.fibonacci(30, 1e-6, 2e-6), "step 29 is 1.34627"),
        (lambda: formulas.log_snr_line(3, 1.0, 2.0), "log-SNR must fall"),
        (lambda: baselines(0), "at least one step"),
        (lambda: formulas.log_snr_line(6.0, 2.0, 1.0), "a number of steps is whole: got 6.0"),  # type: ignore
        (lambda: formulas.resample(named.published("diffwave-6"), 0), "at least one step"),
    ],
)
def test_impossible_wishes_are_refused_in_one_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
