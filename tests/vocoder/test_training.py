"""Laws of training: it learns, it resumes exactly, it refuses another run's state; data, draws and optimiser."""

import csv
import errno
import itertools
import json
import math
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import files_below, noise_clip

from schedsearch.cli import main
from schedsearch.commands import train as train_command
from schedsearch.evaluation import validation
from vocoder.audio.reading import Clip, write_wav
from vocoder.checkpoints.loading import load_vocoder
from vocoder.checkpoints.saving import save_checkpoint
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.ivanvovk import IVANVOVK, front_end, network_config
from vocoder.dialects.lmnt import LMNT
from vocoder.errors import InputError
from vocoder.front_ends.coqui import CoquiMel
from vocoder.front_ends.coqui_normalisation import StandardNormalisation
from vocoder.training import loop as module
from vocoder.training import optimisers
from vocoder.training.data import TrainingSet, training_set
from vocoder.training.loop import Recipe, choose_precision, fitting, recipe_from, resume, save, start, train
from vocoder.training.noise_draws import DRAWS, LOG_SNR_RANGE, stratified_log_snr, wavegrad_levels
from vocoder.training.optimisers import Muon, orthogonalise
from vocoder.weights import weights_hash

# A WaveGrad of 60 thousand weights, hop 64.
CONFIG: dict[str, Any] = {
    "model_config": {
        "factors": [4, 4, 4],
        "upsampling_preconv_out_channels": 24,
        "upsampling_out_channels": [24, 16, 16],
        "upsampling_dilations": [[1, 2, 1, 2]] * 3,
        "downsampling_preconv_out_channels": 32,
        "downsampling_out_channels": [16, 24],
        "downsampling_dilations": [[1, 2, 4]] * 2,
    },
    "data_config": {"sample_rate": 16000, "n_fft": 256, "win_length": 256, "hop_length": 64, "f_min": 80.0,
                    "f_max": 8000.0, "n_mels": 20},
}  # fmt: skip
SIZES = {
    "factors": [4, 4, 4],
    "mel_channels": 24,
    "up_channels": [24, 16, 16],
    "up_dilations": [[1, 2, 1, 2]] * 3,
    "signal_channels": 32,
    "down_channels": [16, 24],
}
LMNT_CONFIG = {"sample_rate": 16000, "hop_samples": 64, "network": SIZES}
COQUI_CONFIG: dict[str, Any] = {
    "model_params": {
        "in_channels": 20,
        "x_conv_channels": 24,
        "y_conv_channels": 32,
        "ublock_out_channels": [24, 24, 16],
        "dblock_out_channels": [16, 24],
        "upsample_factors": [4, 4, 4],
        "upsample_dilations": [[1, 2, 1, 2]] * 3,
    },
    "audio": {"sample_rate": 16000, "fft_size": 256, "win_length": 256, "hop_length": 64, "num_mels": 20,
              "mel_fmin": 80.0, "mel_fmax": 8000.0},
}  # fmt: skip
CONFIGS: dict[str, dict[str, Any]] = {"ivanvovk": CONFIG, "lmnt": LMNT_CONFIG, "coqui": COQUI_CONFIG}
DIALECTS = [IVANVOVK, LMNT, COQUI]
RECIPE = Recipe(steps=8, batch=4, crop_seconds=0.05, warm_up=3)
CPU = torch.device("cpu")
ZERO = math.sqrt(2 / math.pi)  # E|eps|: the loss of predicting zero


@pytest.fixture(autouse=True)
def _one_thread():
    """Sums in one order, so that two runs can be equal bit for bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def voiced(name: str, seconds: float, pitch: float) -> Clip:
    """A buzz with a slow envelope: enough of speech to learn from."""
    t = torch.arange(round(16000 * seconds)) / 16000
    buzz = torch.stack([(2 * math.pi * pitch * k * t).sin() / k for k in range(1, 9)]).sum(0)
    return Clip(name, 0.2 * buzz * (0.6 + 0.4 * (2 * math.pi * 3 * t).cos()), 16000)


@pytest.fixture(scope="module")
def data() -> TrainingSet:
    return training_set([voiced("a", 0.6, 120), voiced("b", 0.4, 180)], front_end(CONFIG), crop_frames=12)


def begun(recipe=RECIPE, **options):
    return start(recipe, IVANVOVK, network_config(CONFIG), device=CPU, **options)


def advance(state, data, steps):
    return [progress.loss for progress in itertools.islice(train(state, data), steps)]


def everything(state):
    """All that decides how a run goes on, as one flat list of tensors."""
    tensors = [*state.network.state_dict().values(), *state.average.state_dict().values(), torch.tensor(state.step)]
    for optimiser in state.optimisers:
        for values in optimiser.state_dict()["state"].values():
            tensors += [torch.as_tensor(values[name]) for name in sorted(values)]
    return tensors


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(everything(first), everything(second), strict=True))


# --- learning


@pytest.mark.slow
def test_loss_falls_below_that_of_predicting_zero(data):
    state = begun(replace(RECIPE, steps=60, batch=8))
    losses = advance(state, data, 60)
    assert losses[0] == pytest.approx(ZERO, abs=0.05)  # it starts silent
    assert np.mean(losses[-10:]) < 0.8 * ZERO


def test_both_optimisers_move_their_weights(data):
    state = begun()
    before = {name: p.clone() for name, p in state.network.named_parameters()}
    advance(state, data, 3)
    still = [name for name, p in state.network.named_parameters() if torch.equal(p, before[name])]
    assert still == []


def test_the_average_follows_the_weights():
    state = begun(replace(RECIPE, ema=0.9))
    for parameter in state.network.parameters():
        parameter.grad = torch.zeros_like(parameter)
        parameter.data.fill_(1.0)
    gap = [abs(float(next(state.average.parameters()).flatten()[0]) - 1)]
    for _ in range(30):
        module._update(state)
        gap.append(abs(float(next(state.average.parameters()).flatten()[0]) - 1))
    # The first memory is 1/10 of the old: (step + 1) / (step + 10); from step 81 on the recipe's 0.9.
    assert gap[1] == pytest.approx(0.1 * gap[0], rel=1e-4)
    assert gap[2] == pytest.approx(2 / 11 * gap[1], rel=1e-4)
    assert all(later <= earlier for earlier, later in itertools.pairwise(gap))
    assert not any(p.requires_grad for p in state.average.parameters())


def test_one_step_of_the_average_is_a_weighted_mean(data):
    state = begun()
    old = [p.clone() for p in state.average.parameters()]
    advance(state, data, 1)
    for before, weights, average in zip(old, state.network.parameters(), state.average.parameters(), strict=True):
        torch.testing.assert_close(average, 0.1 * before + 0.9 * weights)


def test_the_rate_warms_up_and_ends_at_its_last_part():
    recipe = replace(RECIPE, steps=1000, warm_up=100, final_rate=0.01)
    factors = [module._rate_factor(recipe, step) for step in range(1000)]
    assert factors[0] == pytest.approx(0.01, rel=1e-3)
    assert max(factors) == pytest.approx(factors[99], abs=1e-3)
    assert factors[-1] == pytest.approx(0.01, abs=1e-4)
    assert all(later < earlier for earlier, later in itertools.pairwise(factors[100:]))


def test_the_rate_stands_still_until_the_decay_and_then_falls_to_its_last_part():
    recipe = replace(RECIPE, steps=1000, warm_up=100, final_rate=0.01, decay=0.2)
    factors = [module._rate_factor(recipe, step) for step in range(1000)]
    assert factors[99:800] == [1.0] * 701
    assert all(later < earlier for earlier, later in itertools.pairwise(factors[800:]))
    assert factors[900] == pytest.approx(0.505, abs=1e-3)  # half of the cosine, between 1 and 0.01
    assert factors[-1] == pytest.approx(0.01, abs=1e-3)


def test_without_decay_the_rate_never_falls():
    recipe = replace(RECIPE, steps=1000, warm_up=100, decay=0.0)
    assert [module._rate_factor(recipe, step) for step in (99, 500, 999)] == [1.0, 1.0, 1.0]


def test_no_warm_up_begins_at_the_full_rate():
    assert module._rate_factor(replace(RECIPE, warm_up=0), 0) == 1.0


def test_a_diverged_run_stops_with_the_step_and_keeps_its_state(data):
    state = begun()
    advance(state, data, 2)
    next(state.network.parameters()).data.fill_(float("nan"))
    with pytest.raises(InputError, match="diverged at step 3"):
        advance(state, data, 1)
    assert (state.step, state.whole) == (2, True)


# --- resuming


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 4, 7])
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(tmp_path, data, after):
    whole = begun()
    losses = advance(whole, data, 8)
    first = begun()
    assert advance(first, data, after) == losses[:after]
    save(first, tmp_path / "state.pt")
    second = begun()
    resume(second, tmp_path / "state.pt")
    assert second.step == after
    assert second.seconds == first.seconds
    assert advance(second, data, 8) == losses[after:]
    assert equal(second, whole)


@pytest.mark.slow
def test_a_kill_between_steps_loses_only_the_steps_since_the_last_save(tmp_path, data):
    whole = begun()
    advance(whole, data, 8)
    for saved, killed in ((2, 3), (3, 6), (6, 6)):
        state = begun()
        if saved > 2:
            resume(state, tmp_path / "state.pt")
        advance(state, data, saved - state.step)
        save(state, tmp_path / "state.pt")
        advance(state, data, killed - saved)  # and is gone
    last = begun()
    resume(last, tmp_path / "state.pt")
    assert last.step == 6
    advance(last, data, 8)
    assert equal(last, whole)


@pytest.mark.parametrize("moved", [0, 1])
def test_a_state_that_was_stopped_while_its_weights_moved_is_not_saved(tmp_path, data, monkeypatch, moved):
    state = begun()
    advance(state, data, 2)
    save(state, tmp_path / "state.pt")
    kept = (tmp_path / "state.pt").read_bytes()

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(state.optimisers[moved], "step", stopped)
    with pytest.raises(KeyboardInterrupt):
        advance(state, data, 1)
    with pytest.raises(ValueError, match="while its weights moved"):
        save(state, tmp_path / "state.pt")
    assert (tmp_path / "state.pt").read_bytes() == kept


def test_the_seconds_of_a_run_are_those_of_its_steps(data, monkeypatch):
    clock = itertools.count()  # reads a second later each time
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    state = begun()
    for _ in train(state, data):
        for _ in range(100):  # the caller validates and saves
            next(clock)
    assert state.seconds == RECIPE.steps


def test_a_network_of_thin_layers_alone_is_trained_by_adam(data):
    narrow = replace(network_config(CONFIG), mel_channels=4, up_channels=(4, 4, 4))
    state = start(RECIPE, IVANVOVK, replace(narrow, signal_channels=4, down_channels=(4, 4)), device=CPU)
    assert [type(one) for one in state.optimisers] == [torch.optim.Adam]
    advance(state, data, 1)
    assert state.step == 1


def test_a_finished_run_makes_no_further_step(tmp_path, data):
    state = begun()
    advance(state, data, 8)
    assert advance(state, data, 5) == []


OTHERS = {"batch": 5, "crop_seconds": 0.06, "rate": 2e-3, "matrix_rate": 0.004, "warm_up": 4, "final_rate": 0.02,
          "gradient_clip": 2.0, "ema": 0.99, "draw": "wavegrad", "seed": 1, "decay": 0.5}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), OTHERS.items())
def test_another_recipe_is_refused_by_name(tmp_path, name, value):
    save(begun(), tmp_path / "state.pt")
    with pytest.raises(InputError, match=rf"another recipe \({name} changed\)") as refusal:
        resume(begun(replace(RECIPE, **{name: value})), tmp_path / "state.pt")
    assert len(str(refusal.value).splitlines()) == 1


def test_every_field_but_steps_decides_a_run():
    assert {*OTHERS, "steps"} == set(vars(RECIPE))


def test_more_steps_go_on_with_the_same_run(tmp_path, data):
    state = begun()
    advance(state, data, 8)
    save(state, tmp_path / "state.pt")
    longer = begun(replace(RECIPE, steps=11))
    resume(longer, tmp_path / "state.pt")
    assert [progress.step for progress in train(longer, data)] == [9, 10, 11]


@pytest.mark.parametrize("content", [b"", b"no state", "halved", {"recipe": {}}])
def test_what_is_no_state_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "state.pt"
    if isinstance(content, dict):
        torch.save(content, path)
    elif content == "halved":
        save(begun(), path)
        path.write_bytes(path.read_bytes()[:9999])
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match="no state of a training run") as refusal:
        resume(begun(), path)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_state_that_the_machine_cannot_give_is_never_said_to_be_none(tmp_path, monkeypatch):
    save(begun(), tmp_path / "state.pt")

    def fail(error: Exception) -> None:
        raise error

    for error in (PermissionError(errno.EACCES, "Permission denied"), OSError(errno.EIO, "Input/output error")):
        monkeypatch.setattr("io.open", lambda *_, error=error: fail(error))  # which Path.open calls
        with pytest.raises(InputError, match=rf"state.pt cannot be read \({error.strerror}\)"):
            resume(begun(), tmp_path / "state.pt")
        monkeypatch.undo()
    monkeypatch.setattr(torch, "load", lambda *_, **__: fail(MemoryError()))
    with pytest.raises(MemoryError):
        resume(begun(), tmp_path / "state.pt")


def test_the_state_of_another_network_is_refused_in_one_line(tmp_path):
    save(begun(), tmp_path / "state.pt")
    wider = replace(network_config(CONFIG), mel_channels=32)
    with pytest.raises(InputError, match="another network") as refusal:
        resume(start(RECIPE, IVANVOVK, wider, device=CPU), tmp_path / "state.pt")
    assert len(str(refusal.value).splitlines()) == 1


def test_a_run_goes_on_in_the_precision_that_it_began_in(tmp_path, data):
    first = begun()
    first.use("bfloat16")
    advance(first, data, 2)
    save(first, tmp_path / "state.pt")
    later = begun()
    resume(later, tmp_path / "state.pt")
    assert (later.precision, later.autocast, later.optimisers[0].reduced) == ("bfloat16", *[torch.bfloat16] * 2)
    advance(first, data, 2)
    advance(later, data, 2)
    assert equal(first, later)


def test_a_run_of_before_precision_and_decay_were_kept_goes_on(tmp_path, data):
    state = begun()
    advance(state, data, 2)
    save(state, tmp_path / "state.pt")
    content = torch.load(tmp_path / "state.pt", weights_only=True)
    del content["precision"], content["recipe"]["decay"]
    torch.save(content, tmp_path / "state.pt")
    later = begun()
    resume(later, tmp_path / "state.pt")
    assert (later.step, later.precision) == (2, "")
    with pytest.raises(InputError, match="decay changed"):
        resume(begun(replace(RECIPE, decay=0.5)), tmp_path / "state.pt")


def test_the_precision_is_chosen_without_a_trace(data):
    state, untouched = begun(), begun()
    choose_precision(state, data)
    assert state.precision in ("float32", "bfloat16")
    assert equal(state, untouched)
    assert all(parameter.grad is None for parameter in state.network.parameters())


@pytest.mark.parametrize(("gain", "chosen"), [(1.19, "float32"), (1.2, "bfloat16")])
def test_a_run_is_in_bfloat16_only_where_that_is_a_fifth_faster(data, monkeypatch, gain, chosen):
    monkeypatch.setattr(module, "bfloat16_gain", lambda call: gain)
    state = begun()
    choose_precision(state, data)
    assert state.precision == chosen


# --- beginning


def test_a_run_begins_from_its_seed_and_from_nothing_else():
    torch.manual_seed(1)
    first = begun()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert equal(begun(), first)
    assert torch.equal(torch.get_rng_state(), before)
    assert not equal(begun(replace(RECIPE, seed=1)), first)


def test_a_warm_start_begins_with_the_given_weights(data):
    taught = begun()
    advance(taught, data, 4)
    state = begun(warm_start=taught.average)
    assert weights_hash(state.network) == weights_hash(state.average) == weights_hash(taught.average)
    assert state.step == 0
    advance(state, data, 1)
    assert weights_hash(state.network) != weights_hash(taught.average)


def test_a_warm_start_of_another_dialect_gives_every_tensor_that_fits():
    source = start(RECIPE, IVANVOVK, network_config(CONFIG), device=CPU).network
    sizes = LMNT.network_config(LMNT_CONFIG)  # of 128 mels: the mel's convolution alone has another shape
    state = start(replace(RECIPE, seed=5), LMNT, sizes, warm_start=source, device=CPU)
    given = fitting(source, state.network)
    assert set(state.network.state_dict()) - set(given) == {"mel.weight"}
    for name, tensor in given.items():
        assert torch.equal(state.network.state_dict()[name], tensor)
    alone = start(replace(RECIPE, seed=5), LMNT, sizes, device=CPU)
    assert torch.equal(state.network.mel.weight, alone.network.mel.weight)


def test_a_warm_start_that_fits_nowhere_is_refused():
    with pytest.raises(InputError, match="no tensor fits"):
        fitting(torch.nn.Linear(3, 3), begun().network)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_saved_checkpoint_loads_as_a_vocoder_but_for_float16(tmp_path, dialect):
    config = CONFIGS[dialect.name]
    network = start(RECIPE, dialect, dialect.network_config(config), device=CPU).network
    vocoder = load_vocoder(save_checkpoint(network, dialect, config, tmp_path))
    for name, ours in network.named_parameters():
        loaded = vocoder.network.get_parameter(name)
        torch.testing.assert_close(loaded, ours.half().float(), rtol=0, atol=0)
    assert vocoder.front_end == dialect.front_end(config)
    assert vocoder.dialect is dialect
    assert vocoder.network.config == dialect.network_config(config)


def test_a_small_network_in_lmnts_layout_says_that_its_code_must_be_edited(tmp_path):
    network = start(RECIPE, LMNT, LMNT.network_config(LMNT_CONFIG), device=CPU).network
    vocoder = load_vocoder(save_checkpoint(network, LMNT, LMNT_CONFIG, tmp_path))
    assert vocoder.description.endswith("lmnt's own model.py has another size: edit it to load this network")


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("steps", 0, "steps"),
        ("batch", -1, "batch"),
        ("rate", math.nan, "rate"),
        ("matrix_rate", math.inf, "matrix_rate"),
        ("ema", 1.0, "ema"),
        ("decay", 1.5, "decay"),
        ("final_rate", math.nan, "final_rate"),
        ("final_rate", -1.0, "final_rate"),
        ("seed", 1 << 80, "seed"),
        ("draw", "uniform", "stratified, wavegrad"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_in_one_line(field, value, named):
    with pytest.raises(InputError, match=named) as refusal:
        replace(RECIPE, **{field: value})
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    "settings",
    [{"step": 3}, {"steps": "3"}, {"steps": 2.5}, {"batch": True}, {"draw": 3}, {"rate": "fast"}, {"seed": 0.5}],
)
def test_a_recipes_table_is_checked_by_field(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        recipe_from(settings)


def test_a_recipes_table_changes_its_fields_alone():
    assert recipe_from({"steps": 7, "rate": 1}) == replace(Recipe(), steps=7, rate=1)


# --- noise levels


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("batch", [1, 8, 33])
def test_a_stratified_batch_has_one_level_in_each_stratum(batch):
    low, high = LOG_SNR_RANGE
    for seed in range(20):
        a = stratified_log_snr(batch, generator(seed)).double().square()
        stratum = ((a / (1 - a)).log() - low) / (high - low) * batch
        # float32 holds log-SNR to about 0.1 at its clean end
        np.testing.assert_allclose(stratum, np.arange(batch) + 0.5, atol=0.5 + 0.01 * batch)


def test_stratified_levels_are_uniform_in_log_snr():
    low, high = LOG_SNR_RANGE
    a = torch.cat([stratified_log_snr(8, generator(s)) for s in range(500)]).double().square()
    position = (((a / (1 - a)).log() - low) / (high - low)).sort().values
    assert float((position - torch.linspace(0, 1, 4000)).abs().max()) < 0.02


def test_wavegrad_levels_are_distributed_as_its_training_schedule():
    # Chen et al. 2020: a segment of linear(1e-6, 0.01, 1000) at random, then a level uniform in it.
    levels = np.concatenate([[1.0], np.sqrt(np.cumprod(1 - np.linspace(1e-6, 0.01, 1000)))])[::-1]
    drawn = wavegrad_levels(200_000, generator()).double().numpy()
    assert levels[0] <= drawn.min()
    assert drawn.max() <= 1.0
    parts = np.linspace(0.02, 0.98, 25)
    expected = np.interp(parts, np.linspace(0, 1, 1001), levels)
    # 4 standard errors of a quantile, sqrt(p (1 - p) / n) / density, at the widest segment (0.0043 for 1/1000)
    np.testing.assert_allclose(np.quantile(drawn, parts), expected, atol=0.005)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_levels_repeat_with_their_generator_and_lie_in_0_to_1(draw):
    first = draw(64, generator(3))
    assert torch.equal(first, draw(64, generator(3)))
    assert not torch.equal(first, draw(64, generator(4)))
    assert (first.dtype, first.shape) == (torch.float32, (64,))
    assert ((first > 0) & (first <= 1)).all()


# --- data


def test_silence_at_the_ends_is_cut_off_and_within_is_kept():
    speech = noise_clip("a", 16000).audio
    speech[6000:10000] = 0
    padded = torch.cat([torch.zeros(8000), speech, torch.zeros(8000)])
    [audio] = training_set([Clip("a", padded, 16000)], front_end(CONFIG), crop_frames=10).audio
    # librosa cuts by frames of 2048 at steps of 512.
    assert 16000 - 64 <= len(audio) <= 16000 + 2 * 2048
    assert (audio == 0).sum() >= 4000


def test_a_short_clip_is_padded_to_one_crop():
    clip = noise_clip("a", 1000)
    found = training_set([clip], front_end(CONFIG), crop_frames=50)
    [audio] = found.audio
    assert len(audio) == 50 * 64
    assert torch.equal(audio[:1000], clip.audio)
    assert (audio[1000:] == 0).all()
    crop, mel = found.batch(3, generator())
    assert torch.equal(crop, audio.expand(3, -1))
    assert mel.shape == (3, 20, 50)


def test_crops_are_whole_hops_of_a_clip_with_the_mel_of_that_place(data):
    audio, mel = data.batch(16, generator())
    assert (audio.shape, mel.shape) == ((16, 12 * 64), (16, 20, 12))
    for crop, its_mel in zip(audio, mel, strict=True):
        places = [
            (clip, frame)
            for clip, whole in enumerate(data.audio)
            for frame in range(len(whole) // 64 - 11)
            if torch.equal(whole[frame * 64 : (frame + 12) * 64], crop)
        ]
        assert any(torch.equal(data.mels[clip][:, frame : frame + 12], its_mel) for clip, frame in places)


def test_the_mel_of_a_crops_interior_is_that_of_the_whole_clip_there(data):
    # A frame reads n_fft = 256 samples about its centre: two hops at either end see what lies outside.
    audio, mel = data.batch(8, generator(1))
    torch.testing.assert_close(front_end(CONFIG)(audio)[..., 2:-2], mel[..., 2:-2], rtol=0, atol=1e-4)


@pytest.mark.slow
def test_every_place_is_drawn_and_equally_often(data):
    audio, _ = data.batch(1500, generator(2))
    starts = [len(whole) // 64 - 11 for whole in data.audio]
    share = np.mean([any(torch.equal(crop[:64], row) for row in data.audio[0].reshape(-1, 64)) for crop in audio])
    expected = starts[0] / sum(starts)
    assert share == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / 1500))
    last = [whole[-12 * 64 :] for whole in data.audio]
    assert all(any(torch.equal(crop, end) for crop in audio) for end in last)


def test_quiet_crops_are_mostly_drawn_again():
    audio = noise_clip("a", 16000).audio
    audio[2000:14000] = 0
    crops, _ = training_set([Clip("a", audio, 16000)], front_end(CONFIG), crop_frames=4).batch(200, generator())
    # Three quarters of the places are silent; drawn four times, 0.75^4 = 0.32 stay so.
    assert (crops.abs().amax(1) < 1e-3).float().mean() < 0.45


@pytest.mark.parametrize(("clips", "frames", "named"), [([], 5, "at least one clip"), ([0], 0, "crop_seconds")])
def test_data_that_cannot_be_is_refused(clips, frames, named):
    with pytest.raises(InputError, match=named):
        training_set([noise_clip("a", 16000) for _ in clips], front_end(CONFIG), crop_frames=frames)


# --- the optimiser


@pytest.mark.parametrize("shape", [(64, 16), (16, 64), (24, 200), (200, 24)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_orthogonalised_matrices_have_singular_values_about_one(shape, scale):
    for seed in range(5):
        matrix = scale * torch.randn(shape, generator=generator(seed))
        values = torch.linalg.svdvals(orthogonalise(matrix))
        assert values.min() > 0.6
        assert values.max() < 1.3


def test_orthogonalising_keeps_the_singular_vectors():
    matrix = torch.randn(16, 48, generator=generator())
    u, _, vt = torch.linalg.svd(matrix, full_matrices=False)
    rotated = u.T @ orthogonalise(matrix) @ vt.T
    assert (rotated - rotated.diag().diag()).abs().max() < 1e-3
    assert rotated.diag().min() > 0.6


def test_a_zero_matrix_stays_zero():
    assert (orthogonalise(torch.zeros(16, 32)) == 0).all()


def test_orthogonalised_matrices_are_nearly_the_same_in_a_reduced_precision():
    matrix = torch.randn(128, 384, generator=torch.Generator().manual_seed(0))
    reduced = orthogonalise(matrix, torch.bfloat16)
    assert reduced.dtype == torch.bfloat16
    # bfloat16 has 8 bits: products of 128 terms of 0.05 keep two digits
    torch.testing.assert_close(reduced.float(), orthogonalise(matrix), rtol=0, atol=5e-3)


def test_muon_moves_wide_matrices_in_the_reduced_precision_and_narrow_ones_in_float32(monkeypatch):
    seen = {}

    def spied(matrix, precision=None, iterations=5):
        seen[min(matrix.shape)] = precision
        return orthogonalise(matrix, precision, iterations)

    monkeypatch.setattr(optimisers, "orthogonalise", spied)
    weights = [torch.nn.Parameter(torch.randn(rows, 256)) for rows in (128, 32)]
    muon = Muon(weights, 0.01)
    muon.reduced = torch.bfloat16
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    muon.step()
    assert seen == {128: torch.bfloat16, 32: None}
    assert all(weight.dtype == torch.float32 and weight.isfinite().all() for weight in weights)


def test_muon_descends_whatever_the_gradients_scale():
    ends = []
    for scale in (1e-3, 1e3):
        weight = torch.nn.Parameter(torch.randn(16, 32, 1, 1, generator=generator()))
        optimiser = Muon([weight], 0.05)
        for _ in range(20):
            optimiser.zero_grad()
            (scale * weight.square().sum()).backward()
            optimiser.step()
        ends.append(weight.detach().clone())
    # 20 steps of 0.05 take about 1 off each singular value, which are 2.1 to 9.7 at first.
    assert ends[0].norm() < 0.9 * torch.randn(16, 32, 1, 1, generator=generator()).norm()
    torch.testing.assert_close(*ends, rtol=1e-3, atol=1e-4)


# --- schedsearch train

TABLE = """
[rates.16000]
checkpoint = "voice/checkpoint.pt"
config = "config.json"
search_clips = "clips"
held_out_clips = "held_out"

[rates.16000.training]
audio = "recordings"
obtain = "python get_them.py recordings"
recipe = { steps = 3, batch = 2, crop_seconds = 0.05 }
"""


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset "own" with a recording of 0.3 s; validations synthesise in 6 steps only."""
    monkeypatch.setattr(validation, "LINES", {6: validation.LINES[6]})
    (tmp_path / "own.toml").write_text(TABLE)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    for folder, pitch in (("clips", 150), ("held_out", 150), ("recordings", 120)):
        write_wav(tmp_path / folder / "a.wav", voiced("a", 0.3, pitch).audio, 16000)
    return tmp_path


def trained(dataset: Path, *options: str) -> int:
    """Trains in float32, unless the options say otherwise: what is faster on tiny networks differs from run to run."""
    words = ["train", "--dataset", "own", "--experiments", str(dataset), "--precision", "float32"]
    return main([*words, *options])


def learning(dataset: Path) -> list[dict[str, str]]:
    with (dataset / "voice" / "learning.csv").open() as file:
        return list(csv.DictReader(file))


def test_training_keeps_a_configuration_that_says_the_same_and_sweeps_up_after_a_kill(dataset):
    folder = dataset / "voice"
    (folder / "training").mkdir(parents=True)
    (folder / "training" / ".state.part").touch()
    (folder / ".checkpoint.part").touch()
    (folder / "config.json").write_text(noted := f"// do not lose this\n{json.dumps(CONFIG)}")
    assert trained(dataset, "--steps", "1") == 0
    assert (folder / "config.json").read_text() == noted
    assert not list(folder.rglob("*.part"))


@pytest.mark.slow
def test_training_writes_a_checkpoint_its_configuration_and_a_learning_curve_and_goes_on(dataset, capsys):
    assert trained(dataset, "--steps", "3") == 0
    folder = dataset / "voice"
    assert {path.name for path in folder.iterdir()} == {"checkpoint.pt", "config.json", "learning.csv", "training"}
    assert json.loads((folder / "config.json").read_text()) == CONFIG
    first = load_vocoder(folder / "checkpoint.pt")
    assert [row["step"] for row in learning(dataset)] == ["3"]
    assert {"error mean", "error +9", "pesq_wb 6", "log_mel_l1 6", "level 6"} <= set(learning(dataset)[0])
    capsys.readouterr()
    assert trained(dataset, "--steps", "5") == 0
    assert "going on from step 3" in capsys.readouterr().out
    assert [row["step"] for row in learning(dataset)] == ["3", "5"]
    assert load_vocoder(folder / "checkpoint.pt").weights_hash != first.weights_hash


def test_a_finished_training_called_again_changes_no_weight_and_no_row(dataset):
    trained(dataset)
    before = (load_vocoder(dataset / "voice" / "checkpoint.pt").weights_hash, learning(dataset))
    assert trained(dataset) == 0
    assert (load_vocoder(dataset / "voice" / "checkpoint.pt").weights_hash, learning(dataset)) == before


def test_a_run_killed_before_its_last_validation_still_gets_its_checkpoint(dataset, monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_command, "validate", stopped)
        assert trained(dataset) == 130
    assert capsys.readouterr().err.splitlines()[-1].startswith("schedsearch: stopped")
    assert not (dataset / "voice" / "checkpoint.pt").exists()
    assert trained(dataset) == 0
    assert [row["step"] for row in learning(dataset)] == ["3"]
    assert load_vocoder(dataset / "voice" / "checkpoint.pt").sample_rate == 16000


@pytest.mark.slow
def test_a_stopped_training_ends_with_the_weights_of_the_uninterrupted_one(dataset, monkeypatch):
    trained(dataset, "--steps", "4")
    whole = load_vocoder(dataset / "voice" / "checkpoint.pt").weights_hash
    for path in (dataset / "voice").rglob("*.*"):
        path.unlink()
    real, steps = Muon.step, iter(range(2))

    def stops_in_the_third(self, closure=None):
        if next(steps, None) is None:
            raise KeyboardInterrupt
        real(self)

    with monkeypatch.context() as patch:
        patch.setattr(train_command, "SAVE_SECONDS", -1.0)  # after every step
        patch.setattr(Muon, "step", stops_in_the_third)
        assert trained(dataset, "--steps", "4") == 130
    assert trained(dataset, "--steps", "4") == 0
    assert load_vocoder(dataset / "voice" / "checkpoint.pt").weights_hash == whole


def test_sigterm_ends_a_training_in_one_line_and_the_same_command_goes_on(dataset, monkeypatch, capsys):
    real, killed = Muon.step, iter([True])

    def step(self, closure=None):
        if next(killed, False):
            os.kill(os.getpid(), signal.SIGTERM)
        real(self)

    monkeypatch.setattr(Muon, "step", step)
    assert trained(dataset) == 143
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == "schedsearch: stopped; the same command goes on where it was"
    assert "Traceback" not in captured.out + captured.err
    assert trained(dataset) == 0
    assert [row["step"] for row in learning(dataset)] == ["3"]


@pytest.mark.slow
def test_validation_comes_at_its_steps_and_at_the_end(dataset):
    trained(dataset, "--steps", "5", "--validate-every", "2")
    assert [row["step"] for row in learning(dataset)] == ["2", "4", "5"]


def test_hours_that_are_over_leave_a_checkpoint_to_go_on_from(dataset, capsys):
    assert trained(dataset, "--hours", "1e-9") == 0
    assert [row["step"] for row in learning(dataset)] == ["1"]
    assert trained(dataset) == 0
    assert "going on from step 1" in capsys.readouterr().out
    assert [row["step"] for row in learning(dataset)] == ["1", "3"]


@pytest.mark.slow
def test_a_run_that_is_begun_anew_is_validated_anew(dataset):
    trained(dataset)
    (dataset / "voice" / "training" / "state.pt").unlink()
    (dataset / "voice" / "checkpoint.pt").unlink()
    assert trained(dataset) == 0
    assert [row["step"] for row in learning(dataset)] == ["3"]
    assert (dataset / "voice" / "checkpoint.pt").is_file()


@pytest.mark.slow
def test_rows_of_an_earlier_run_do_not_stand_before_those_of_a_new_one(dataset):
    trained(dataset, "--steps", "2", "--validate-every", "1")
    shutil.rmtree(dataset / "voice" / "training")
    assert trained(dataset, "--steps", "5", "--validate-every", "3", "--force=1") == 0
    assert [row["step"] for row in learning(dataset)] == ["3", "5"]


def test_a_run_of_an_earlier_version_goes_on_with_its_rows(dataset):
    trained(dataset, "--steps", "2")
    (dataset / "voice" / "training" / "learning.csv").unlink()
    assert trained(dataset) == 0
    assert [row["step"] for row in learning(dataset)] == ["2", "3"]


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["lmnt", "coqui"])
def test_a_voice_of_every_dialect_can_be_trained_stopped_and_gone_on_with(dataset, dialect, capsys):
    (dataset / "config.json").write_text(json.dumps(CONFIGS[dialect]))
    assert trained(dataset, "--steps", "4", "--dialect", dialect) == 0
    whole = load_vocoder(dataset / "voice" / "checkpoint.pt")
    assert whole.dialect.name == dialect
    shutil.rmtree(dataset / "voice")
    assert trained(dataset, "--steps", "4", "--hours", "1e-9") == 0  # one step
    assert trained(dataset, "--steps", "4") == 0
    assert load_vocoder(dataset / "voice" / "checkpoint.pt").weights_hash == whole.weights_hash
    assert f"{dialect}'s network, " in capsys.readouterr().out


def with_statistics(dataset: Path) -> Path:
    """The dataset with coqui's configuration that names mel statistics, and where these are."""
    settings = COQUI_CONFIG | {"audio": COQUI_CONFIG["audio"] | {"stats_path": "scale_stats.npy"}}
    (dataset / "config.json").write_text(json.dumps(settings))
    statistics = {"mel_mean": np.full(20, -30.0), "mel_std": np.full(20, 20.0), "audio_config": {}}
    np.save(dataset / "scale_stats.npy", np.array(statistics, object))
    return dataset / "scale_stats.npy"


def test_a_voice_with_mel_statistics_can_be_trained_and_they_stand_beside_its_checkpoint(dataset):
    statistics = with_statistics(dataset)
    assert trained(dataset, "--steps", "1") == 0
    alone = shutil.copytree(dataset / "voice", dataset / "elsewhere")
    given, carried = (load_vocoder(alone / "checkpoint.pt", config) for config in (dataset / "config.json", None))
    assert given.front_end == carried.front_end
    assert isinstance(given.front_end, CoquiMel)
    assert given.front_end.normalisation == StandardNormalisation((-30.0,) * 20, (20.0,) * 20)
    assert trained(dataset, "--steps", "2") == 0
    assert (dataset / "voice" / statistics.name).read_bytes() == statistics.read_bytes()


def test_a_run_does_not_go_on_with_other_mel_statistics(dataset, capsys):
    statistics = with_statistics(dataset)
    assert trained(dataset, "--steps", "1") == 0
    np.save(statistics, np.array({"mel_mean": np.zeros(20), "mel_std": np.ones(20)}, object))
    before = files_below(dataset)
    assert trained(dataset, "--steps", "2") == 2
    assert "must be the statistics that the configuration names" in capsys.readouterr().err
    assert files_below(dataset) == before


def test_a_run_that_fails_in_its_first_step_leaves_nothing_in_the_way_of_another(dataset, monkeypatch, capsys):
    def fails(*_: object) -> None:
        raise InputError("no step")

    with monkeypatch.context() as patched:
        patched.setattr(module, "_step", fails)
        assert trained(dataset) == 2
    changed = CONFIG | {"data_config": CONFIG["data_config"] | {"f_min": 99}}
    (dataset / "config.json").write_text(json.dumps(changed))
    assert trained(dataset) == 0


@pytest.mark.slow
def test_the_precision_can_be_fixed_and_a_run_keeps_it(dataset, capsys):
    assert trained(dataset, "--steps", "1", "--precision", "bfloat16") == 0
    assert "ivanvovk's network, bfloat16" in capsys.readouterr().out
    assert trained(dataset, "--steps", "2", "--precision", "auto") == 0
    assert "ivanvovk's network, bfloat16" in capsys.readouterr().out
    assert trained(dataset, "--steps", "3", "--precision", "float32") == 2
    assert "is a run in bfloat16, and PRECISION is float32" in capsys.readouterr().err


@pytest.mark.slow
def test_training_says_which_tensors_of_another_dialect_do_not_fit(dataset, capsys):
    trained(dataset)
    given = (dataset / "voice").rename(dataset / "given") / "checkpoint.pt"
    (dataset / "config.json").write_text(json.dumps(LMNT_CONFIG))
    capsys.readouterr()
    assert trained(dataset, "--warm-start", str(given)) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("WARM_START")]
    assert line.endswith("tensors of it fit; begun from the seed: mel.weight")


def given(dataset: Path, mels: int) -> Path:
    """A checkpoint to begin from, its configuration beside it."""
    config = CONFIG | {"data_config": CONFIG["data_config"] | {"n_mels": mels}}
    (dataset / "given").mkdir()
    network = start(RECIPE, IVANVOVK, network_config(config), device=CPU).network
    return save_checkpoint(network, IVANVOVK, config, dataset / "given")


def test_a_warm_start_of_the_same_dialect_may_have_sizes_of_its_own(dataset, capsys):
    path = given(dataset, 40)
    assert trained(dataset, "--steps", "1", "--warm-start", str(path)) == 0
    assert "tensors of it fit; begun from the seed: mel.weight" in capsys.readouterr().out


def test_a_warm_start_without_a_configuration_may_take_the_voices(dataset, capsys):
    path = given(dataset, 20)
    (dataset / "given" / "config.json").unlink()
    assert trained(dataset, "--steps", "1", "--warm-start", str(path)) == 0
    assert "tensors of it fit, which is all" in capsys.readouterr().out


def test_a_warm_start_that_no_configuration_fits_is_told_where_to_put_its_own(dataset, capsys):
    path = given(dataset, 40)
    (dataset / "given" / "config.json").unlink()
    assert trained(dataset, "--warm-start", str(path)) == 2
    assert "config.json beside it" in capsys.readouterr().err


@pytest.mark.slow
def test_training_can_begin_from_a_checkpoint(dataset):
    trained(dataset)
    given = (dataset / "voice").rename(dataset / "given") / "checkpoint.pt"
    assert trained(dataset, "--steps", "1", "--warm-start", str(given)) == 0
    # Warm-up: the first of 300 steps moves weights by next to nothing.
    old, new = (load_vocoder(path).network for path in (given, dataset / "voice" / "checkpoint.pt"))
    for a, b in zip(old.parameters(), new.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-3)


def test_the_state_is_kept_before_the_checkpoint_is_replaced(dataset, monkeypatch):
    # Which the run may have begun from: killed between the two, it could not begin as it did.
    order: list[str] = []
    monkeypatch.setattr(train_command, "save", lambda *_: order.append("state"))
    monkeypatch.setattr(train_command, "save_checkpoint", lambda *_: order.append("checkpoint"))
    assert trained(dataset) == 0
    assert order[:2] == ["state", "checkpoint"]


def test_a_checkpoint_that_no_run_made_is_replaced_by_force_alone(dataset, capsys):
    trained(dataset)
    shutil.rmtree(dataset / "voice" / "training")
    before = files_below(dataset)
    assert trained(dataset) == 2
    assert "FORCE=1 trains all the same" in capsys.readouterr().err
    assert files_below(dataset) == before
    assert trained(dataset, "--force", "--steps", "1") == 0
    assert [row["step"] for row in learning(dataset)] == ["1"]


def test_a_configuration_of_somebody_elses_stays(dataset, capsys):
    (dataset / "voice").mkdir()
    (dataset / "voice" / "config.json").write_text('{"mine": 1}')
    assert trained(dataset) == 2
    assert "config.json is there" in capsys.readouterr().err
    assert (dataset / "voice" / "config.json").read_text() == '{"mine": 1}'


def test_a_run_does_not_go_on_with_other_mels(dataset, capsys):
    trained(dataset)
    changed = json.loads(json.dumps(CONFIG))
    changed["data_config"]["f_min"] = 99
    (dataset / "config.json").write_text(json.dumps(changed))
    before = files_below(dataset)
    assert trained(dataset, "--steps", "5") == 2
    assert "another configuration (data_config changed)" in capsys.readouterr().err
    assert files_below(dataset) == before


def test_a_run_of_lmnts_does_not_go_on_with_another_network(dataset, capsys):
    (dataset / "config.json").write_text(json.dumps(LMNT_CONFIG))
    assert trained(dataset) == 0
    changed = json.loads(json.dumps(LMNT_CONFIG))
    changed["network"]["up_dilations"] = [[1, 2, 4, 8]] * 3  # the same shapes
    (dataset / "config.json").write_text(json.dumps(changed))
    assert trained(dataset, "--steps", "5") == 2
    assert "another configuration (network changed)" in capsys.readouterr().err


def test_a_run_goes_on_that_an_earlier_version_began_and_kept_less_of(dataset):
    (dataset / "config.json").write_text(json.dumps(LMNT_CONFIG))
    trained(dataset)
    kept = dataset / "voice" / "training" / "config.json"
    kept.write_text(json.dumps({name: LMNT_CONFIG[name] for name in ("sample_rate", "hop_samples")}))
    assert trained(dataset, "--steps", "5") == 0


def test_the_clips_of_the_file_are_kept_out_of_training(dataset, capsys):
    for name, source in (("search", "clips"), ("judging", "held_out")):
        shutil.copy(dataset / source / "a.wav", dataset / "recordings" / f"{name}.wav")
    assert trained(dataset) == 0
    assert "kept out of training: 2 recordings" in capsys.readouterr().out
    weights = (dataset / "voice" / "checkpoint.pt").read_bytes()
    for name in ("search", "judging"):
        (dataset / "recordings" / f"{name}.wav").unlink()
    shutil.rmtree(dataset / "voice")
    assert trained(dataset) == 0
    assert (dataset / "voice" / "checkpoint.pt").read_bytes() == weights


def test_with_nothing_but_the_clips_of_the_file_there_is_nothing_to_train_on(dataset, capsys):
    shutil.copy(dataset / "held_out" / "a.wav", dataset / "recordings" / "a.wav")
    assert trained(dataset) == 2
    assert "must hold more than the search and held-out clips" in capsys.readouterr().err


def test_a_run_that_goes_on_says_what_it_no_longer_needs_and_when_it_is_done(dataset, capsys):
    trained(dataset)
    capsys.readouterr()
    assert trained(dataset, "--warm-start", str(dataset / "voice" / "checkpoint.pt")) == 0
    told = capsys.readouterr().out
    assert "WARM_START was for its beginning" in told and "all 3 steps are done; STEPS= makes more" in told


def change(old: str, new: str, name: str = "own.toml"):
    def spoil(folder: Path) -> None:
        path = folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return spoil


def with_settings(dialect: str, **sections: object):
    """Writes that dialect's configuration with other sections."""
    return lambda folder: (folder / "config.json").write_text(json.dumps(CONFIGS[dialect] | sections))


def without_recordings(folder: Path) -> None:
    (folder / "recordings").rename(folder / "elsewhere")


@pytest.mark.parametrize(
    ("spoil", "options", "named"),
    [
        (without_recordings, [], "get them: python get_them.py recordings"),
        (lambda folder: (folder / "recordings" / "a.wav").unlink(), [], "must hold audio"),
        (lambda folder: (folder / "held_out" / "a.wav").unlink(), [], "must hold audio"),
        (lambda folder: (folder / "config.json").unlink(), [], "config.json"),
        (change("{", "", "config.json"), [], "config.json must be a JSON"),
        (change("[4, 4, 4]", "[4, 4]", "config.json"), [], "correct the configuration"),
        (change("[4, 4, 4]", "[4, 4, 2]", "config.json"), [], "32"),
        (change("16000", "8000", "config.json"), [], "8000"),
        (with_settings("ivanvovk", data_config=None), [], "data_config must be a table of settings, and is None"),
        (with_settings("lmnt", network=[1]), [], "network must be a table of settings, and is [1]"),
        (with_settings("coqui", audio=3), [], "audio must be a table of settings, and is 3"),
        (with_settings("coqui", audio=COQUI_CONFIG["audio"] | {"num_mels": 40}), [], "the 20 mels that the network"),
        (with_settings("coqui", audio=COQUI_CONFIG["audio"] | {"stats_path": "a.npy"}), [], "put the statistics file"),
        (change("steps = 3", "steps = 2.5"), [], "recipe.steps"),
        (change("steps = 3", "epochs = 3"), [], "epochs"),
        (change("checkpoint.pt", "best.pt"), [], "training writes checkpoint.pt, and the dataset's file names best.pt"),
        (change("crop_seconds = 0.05", "crop_seconds = 0.0001"), [], "crop_seconds"),
        (change("steps", "steps"), ["--steps", "0"], "STEPS"),
        (change("steps", "steps"), ["--hours", "soon"], "HOURS must be a positive number, and is 'soon'"),
        (change("steps", "steps"), ["--dialect", "coqui"], "the configuration is ivanvovk's, and DIALECT is coqui"),
        (change("steps", "steps"), ["--dialect", "mozilla"], "DIALECT must be ivanvovk, lmnt or coqui"),
        (lambda folder: (folder / "config.json").write_text("{}"), [], "needs the sections of one implementation"),
        (change("steps", "steps"), ["--precision", "half"], "PRECISION must be one of auto, float32, bfloat16"),
        (change("steps", "steps"), ["--draw", "uniform"], "draw must be one of stratified, wavegrad"),
        (change("steps", "steps"), ["--warm-start", "/nowhere.pt"], "/nowhere.pt"),
    ],
)
def test_a_training_that_cannot_begin_is_one_line_and_writes_nothing(dataset, capsys, spoil, options, named):
    spoil(dataset)
    assert trained(dataset, *options) == 2
    captured = capsys.readouterr()
    assert named in captured.err
    assert len(captured.err.splitlines()) == 1
    assert not (dataset / "voice").exists()


def test_another_recipe_than_the_saved_runs_is_one_line(dataset, capsys):
    trained(dataset)
    capsys.readouterr()
    assert trained(dataset, "--draw", "wavegrad") == 2
    assert "draw changed" in capsys.readouterr().err
