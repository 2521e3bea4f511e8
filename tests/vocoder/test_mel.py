"""The mel front ends against the public implementations' own output, and the laws all three keep."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from vocoder.errors import InputError
from vocoder.front_end_check.general_mel import general
from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.coqui_settings import check_statistics_settings, coqui_mel, uses_statistics
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.front_ends.lmnt import LmntMel

FrontEnd = Any
GOLDEN_BUILDERS: dict[str, Callable[[dict[str, Any]], FrontEnd]] = {
    "ivanvovk": lambda meta: IvanvovkMel(sample_rate=meta["sample_rate"], **meta["ivanvovk"]),
    "lmnt": lambda meta: LmntMel(meta["sample_rate"], meta["lmnt"]["hop_length"]),
    "coqui_default": lambda meta: coqui_mel(meta["coqui"]),
    "coqui_variant": lambda meta: coqui_mel(meta["coqui_variant"]),
    "coqui_raw_db": lambda meta: coqui_mel(meta["coqui_raw_db"]),
}
FRONT_ENDS: dict[str, FrontEnd] = {
    "ivanvovk": IvanvovkMel(22050, 1024, 1024, 300, 80, 8000, 80),
    "lmnt": LmntMel(22050, 300),
    "coqui": CoquiMel(),
}


@pytest.fixture(params=FRONT_ENDS)
def front_end(request: pytest.FixtureRequest) -> FrontEnd:
    return FRONT_ENDS[request.param]


def noise(*shape: int) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("rate", [16000, 22050])
@pytest.mark.parametrize("variant", GOLDEN_BUILDERS)
def test_mel_agrees_with_the_public_implementation(golden_folder: Path, rate: int, variant: str) -> None:
    golden = np.load(golden_folder / f"mel_{rate}.npz")
    front_end = GOLDEN_BUILDERS[variant](json.loads(str(golden["meta"])))
    wav = torch.from_numpy(golden["wav"])
    mel = front_end(wav[None])[0]
    frames = len(wav) // front_end.hop_length
    assert mel.shape == (front_end.n_mels, frames)
    np.testing.assert_allclose(mel, golden[variant][:, :frames], rtol=0, atol=1e-4)


@pytest.mark.parametrize("rate", [16000, 22050])
def test_lmnt_sizes_follow_from_the_hop(golden_folder: Path, rate: int) -> None:
    meta = json.loads(str(np.load(golden_folder / f"mel_{rate}.npz")["meta"]))["lmnt"]
    front_end = LmntMel(rate, meta["hop_length"])
    assert {name: getattr(front_end, name) for name in meta} == meta


def test_frames_equal_samples_over_hop_for_whole_hops(front_end: FrontEnd) -> None:
    mel = front_end(noise(2, 20 * front_end.hop_length))
    assert mel.shape == (2, front_end.n_mels, 20)
    assert mel.dtype == torch.float32


def test_each_clip_of_a_batch_has_the_mel_it_has_alone(front_end: FrontEnd) -> None:
    clips = noise(3, 6000)
    alone = torch.cat([front_end(clip[None]) for clip in clips])
    torch.testing.assert_close(front_end(clips), alone, rtol=0, atol=1e-5)


def test_gradient_reaches_the_audio_and_is_finite_even_through_silence(front_end: FrontEnd) -> None:
    audio = noise(1, 12000)
    audio[:, 6000:] = 0
    audio.requires_grad_()
    (gradient,) = torch.autograd.grad(front_end(audio).sum(), audio)
    assert gradient.isfinite().all()
    assert gradient[:, :5000].abs().max() > 0


def test_a_front_end_first_used_in_inference_mode_can_still_be_trained_through() -> None:
    front_end = IvanvovkMel(22050, 512, 500, 125, 80, 7000, 17)  # sizes no other test puts into the caches
    coqui = CoquiMel(n_fft=512, win_length=500, hop_length=125, n_mels=17)
    for each in (front_end, coqui):
        with torch.inference_mode():
            each(noise(1, 4000))
        audio = noise(1, 4000).requires_grad_()
        (gradient,) = torch.autograd.grad(each(audio).sum(), audio)
        assert gradient.isfinite().all()


def test_mixed_precision_around_a_front_end_changes_nothing(front_end: FrontEnd) -> None:
    audio = noise(1, 6000)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = front_end(audio)
    assert torch.equal(inside, front_end(audio))


def test_front_ends_are_frozen_and_equal_by_value(front_end: FrontEnd) -> None:
    assert dataclasses.replace(front_end) == front_end
    assert hash(dataclasses.replace(front_end)) == hash(front_end)
    with pytest.raises(dataclasses.FrozenInstanceError):
        front_end.hop_length = 1


def test_ivanvovk_silence_is_zero_and_lmnt_silence_is_the_floor() -> None:
    silence = torch.zeros(1, 6000)
    assert (FRONT_ENDS["ivanvovk"](silence) == 0).all()  # log10(0) = -inf is replaced there by 0
    assert (FRONT_ENDS["lmnt"](silence) == 0).all()  # 20 log10(1e-5) - 20 = -120 dB, clamped at -100 dB
    assert (FRONT_ENDS["coqui"](silence) == -4).all()  # -160 dB, clipped at -max_norm


def test_ivanvovk_log_power_rises_by_two_for_ten_times_the_amplitude() -> None:
    mel = FRONT_ENDS["ivanvovk"]
    audio = noise(1, 6000)
    torch.testing.assert_close(mel(10 * audio) - mel(audio), torch.full((1, 80, 20), 2.0), rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(6000,), (1, 1, 6000)])
def test_audio_must_have_a_clip_axis_and_no_other(front_end: FrontEnd, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"\[clip, samples\]"):
        front_end(noise(*shape))


def test_audio_shorter_than_the_padding_is_refused_in_one_line(front_end: FrontEnd) -> None:
    with pytest.raises(InputError, match="more than n_fft // 2") as caught:
        front_end(noise(1, front_end.n_fft // 2))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"win_length": 2048}, "win_length"),
        ({"hop_length": 0}, "hop_length"),
        ({"f_min": 9000.0}, "f_min"),
        ({"n_fft": 1_000_000}, "n_fft must be at most 65536, got 1000000"),
    ],
)
def test_impossible_sizes_are_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        dataclasses.replace(FRONT_ENDS["ivanvovk"], **change)


# --- coqui's settings ---


def coqui(**settings: Any) -> CoquiMel:
    return coqui_mel(settings)


def test_an_empty_coqui_table_means_coqui_defaults() -> None:
    assert coqui() == CoquiMel()


def test_coqui_milliseconds_give_the_lengths_where_hop_length_is_null() -> None:
    mel = coqui(
        sample_rate=22050,
        hop_length=None,
        win_length=None,
        frame_length_ms=50,
        frame_shift_ms=12.5,
        fft_size=2048,
    )
    # millisec_to_length: int(0.05 * 22050) = 1102, int(1102 / 4) = 275
    assert (mel.win_length, mel.hop_length) == (1102, 275)


def test_coqui_milliseconds_are_ignored_beside_a_hop_length() -> None:
    assert coqui(frame_length_ms=50, frame_shift_ms=12.5) == coqui()


def test_asymmetric_range_is_the_symmetric_one_moved_and_halved() -> None:
    audio = noise(1, 6000)
    symmetric, asymmetric = coqui()(audio), coqui(symmetric_norm=False)(audio)
    torch.testing.assert_close(asymmetric, (symmetric + 4) / 2, rtol=0, atol=1e-5)


def test_range_normalisation_follows_its_formula() -> None:
    audio = noise(1, 6000)
    decibels = coqui(signal_norm=False)(audio)
    settings = {"min_level_db": -80, "ref_level_db": 10, "max_norm": 1.0, "clip_norm": False}
    expected = 2 * ((decibels - 10 + 80) / 80) - 1
    torch.testing.assert_close(coqui(**settings)(audio), expected, rtol=0, atol=1e-5)


def test_clip_norm_bounds_the_mel_and_its_absence_does_not() -> None:
    audio = 1e-6 * noise(1, 6000)
    assert coqui()(audio).min() == -4
    assert coqui(clip_norm=False)(audio).min() < -4


def test_null_max_norm_means_one() -> None:
    assert coqui(max_norm=None) == coqui(max_norm=1.0)


def test_natural_and_common_logarithms_differ_by_ln_10() -> None:
    audio = noise(1, 6000)
    natural = coqui(signal_norm=False, log_func="np.log")(audio)
    common = coqui(signal_norm=False)(audio)
    torch.testing.assert_close(natural, common * float(np.log(10)), rtol=1e-6, atol=1e-4)


def test_the_amplitude_floor_of_older_coqui_can_be_stated() -> None:
    """20 log10(1e-5) = -100 dB before coqui 0.20.6, 20 log10(1e-8) = -160 dB since."""
    silence = torch.zeros(1, 6000)
    assert torch.allclose(coqui(signal_norm=False)(silence), torch.tensor(-160.0))
    assert torch.allclose(coqui(signal_norm=False, amplitude_floor=1e-5)(silence), torch.tensor(-100.0))
    loud = noise(1, 6000)
    assert torch.equal(coqui(amplitude_floor=1e-5)(loud), coqui()(loud))
    form = general(coqui(signal_norm=False, amplitude_floor=1e-5))  # what check-voice varies
    assert form is not None
    assert torch.allclose(form(silence), torch.tensor(-100.0))


def test_a_front_end_with_the_default_floor_has_the_text_that_studies_know_it_by() -> None:
    """repr(front_end) is part of a study's identity; this one is from before the floor was a setting."""
    assert repr(CoquiMel(n_mels=4, normalisation=None)) == (
        "CoquiMel(sample_rate=22050, n_fft=1024, win_length=1024, hop_length=256, f_min=0.0, f_max=None, n_mels=4, "
        "preemphasis=0.0, pad_mode='reflect', decibels=True, gain=20.0, log_base=10.0, normalisation=None)"
    )
    assert repr(CoquiMel(amplitude_floor=1e-5)).endswith(", amplitude_floor=1e-05)")


def test_without_decibels_the_mel_is_linear_in_the_audio() -> None:
    linear = coqui(signal_norm=False, do_amp_to_db_mel=False)
    audio = noise(1, 6000)
    torch.testing.assert_close(linear(3 * audio), 3 * linear(audio))


def test_full_preemphasis_removes_a_constant() -> None:
    linear = coqui(signal_norm=False, do_amp_to_db_mel=False, preemphasis=1.0)
    mel = linear(torch.full((1, 6000), 0.5))
    assert mel[..., 4:].max() < 1e-6  # the first frames see the step from x[-1] = 0
    assert mel[..., 0].max() > 1e-3


@pytest.mark.parametrize("mode", ["reflect", "constant", "edge"])
def test_padding_agrees_with_numpys_of_the_same_name(mode: Literal["reflect", "constant", "edge"]) -> None:
    mel = coqui(stft_pad_mode=mode)
    audio = noise(1, 6000)
    padded = torch.from_numpy(np.pad(audio.numpy(), ((0, 0), (1024, 1024)), mode=mode))  # 4 hops a side
    torch.testing.assert_close(mel(audio), mel(padded)[..., 4 : 4 + 6000 // 256], rtol=0, atol=1e-5)


def test_statistics_standardise_each_channel() -> None:
    mean, std = np.linspace(-60, -40, 80), np.linspace(5, 10, 80)
    audio = noise(1, 6000)
    mel = coqui_mel({"stats_path": "scale_stats.npy"}, mel_mean=mean, mel_std=std)
    decibels = coqui(signal_norm=False)(audio).double().numpy()
    np.testing.assert_allclose(mel(audio), (decibels - mean[:, None]) / std[:, None], rtol=0, atol=1e-5)


def test_statistics_are_unused_without_signal_norm() -> None:
    settings = {"stats_path": "scale_stats.npy", "signal_norm": False}
    assert not uses_statistics(settings)
    assert coqui_mel(settings).normalisation is None
    assert uses_statistics({"stats_path": "scale_stats.npy"})


@pytest.mark.parametrize(
    ("mean", "std"), [([0.0] * 80, [0.0] * 80), ([0.0] * 79, [1.0] * 79), ([float("nan")] * 80, [1.0] * 80)]
)
def test_statistics_that_cannot_standardise_are_refused(mean: list[float], std: list[float]) -> None:
    with pytest.raises(InputError, match="statistics"):
        coqui_mel({"stats_path": "s.npy"}, mel_mean=mean, mel_std=std)


def test_statistics_of_another_mel_are_refused_by_setting() -> None:
    check_statistics_settings({}, {"fft_size": 1024, "ref_level_db": 7})
    with pytest.raises(InputError, match="mel_fmin"):
        check_statistics_settings({"mel_fmin": 50.0}, {"mel_fmin": 0.0})


@pytest.mark.parametrize(
    "refused",
    [
        {"do_sound_norm": True},
        {"do_rms_norm": True},
        {"stats_path": "scale_stats.npy"},
        {"log_func": "np.log2"},
        {"stft_pad_mode": "wrap"},
        {"use_htk": True},
        {"win_length": None},
        {"min_level_db": 0},
        {"mel_fmax": 12000.0},
        {"num_mels": "eighty"},
        {"spec_gain": None},
        {"hop_length": None},
        {"log_func": ["np.log"]},
        {"spec_gain": 10**400},
        {"mel_fmin": float("nan")},
        {"amplitude_floor": 0},
        {"amplitude_floor": None},
        {"clip_norm": "false"},
    ],
    ids=lambda refused: next(iter(refused)),
)
def test_coqui_settings_that_cannot_be_honoured_are_refused_by_name(refused: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(refused))) as caught:
        coqui_mel(refused)
    assert "\n" not in str(caught.value)


def test_coqui_settings_without_effect_on_the_mel_are_accepted() -> None:
    harmless = {
        "do_trim_silence": True,
        "trim_db": 45,
        "power": 1.5,
        "griffin_lim_iters": 60,
        "resample": True,
    }
    assert coqui(**harmless, do_sound_norm=False, do_amp_to_db_linear=False) == coqui()
