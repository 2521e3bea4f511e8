"""Lists the mistakes, and what the check should say of each."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from experiments.front_end_mistakes.bench import Bench
from vocoder.audio.reading import resample
from vocoder.front_end_check.diagnosis import Diagnosis
from vocoder.front_end_check.general_mel import GeneralMel, of_coqui, of_lmnt
from vocoder.front_ends.coqui import CoquiMel, preemphasised
from vocoder.front_ends.lmnt import LmntMel
from vocoder.network import WaveGradNetwork
from vocoder.vocoder import Vocoder

WRONG_FACTORS = {4: ((8, 4, 4, 2), (5, 5, 4, 3)), 5: ((8, 4, 2, 2, 2), (5, 5, 2, 2, 2))}  # by blocks


@dataclass(frozen=True)
class OtherLevel(Vocoder):
    """A fork whose network was trained with alphas_cumprod as the noise level, and is given its root."""

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor, *, first: int = 0) -> Tensor:
        """Predicts with the level that the trained network would take for this one."""
        return super().predict_noise(y, mel, noise_level.sqrt(), first=first)


@dataclass(frozen=True)
class Mistake:
    """What is planted, where, and the answers that are right: a kind, or settings by name."""

    where: str
    name: str
    wanted: tuple[str, ...]
    plant: Callable[[Bench], Diagnosis]

    def named_by(self, diagnosis: Diagnosis) -> bool:
        """Says whether the check said what it should."""
        return finding(diagnosis) in self.wanted


def finding(diagnosis: Diagnosis) -> str:
    """Writes the check's finding as the table has it."""
    changes = "; ".join(f"{setting} = {value}" for setting, value in diagnosis.changes)
    return changes or diagnosis.kind


def mistakes(right: GeneralMel, factors: tuple[int, ...]) -> Iterator[Mistake]:
    """Lists all mistakes in a front end that is `right`; mistakes that share measurements come first."""
    yield from _of_forks(right)
    yield from _of_configuration(right, factors)
    yield from _together(right)
    yield from _of_weights()
    yield from _of_clips(right.sample_rate)


def _of_configuration(right: GeneralMel, own_factors: tuple[int, ...]) -> Iterator[Mistake]:
    own = {
        "f_min": f"{right.f_min:g} Hz",
        "f_max": f"{right.f_max:g} Hz",
        "n_fft": f"{right.n_fft}",
        "win_length": f"{right.win_length}",
    }
    wrong = [("f_min", 0.0), ("f_min", 50.0), ("f_max", 4000.0), ("f_max", 7600.0), ("win_length", 512)]
    wrong += [("win_length", 800), ("n_fft", 2048)]
    for setting, value in wrong:
        mel = replace(right, **{setting: value})  # type: ignore[arg-type]
        yield _front_end("configuration", f"{setting} {value:g}", mel, f"{setting} = {own[setting]}")
    for size in (512, 2048):
        mel = replace(right, n_fft=size, win_length=size)
        wanted = (f"n_fft and win_length = {right.n_fft}", f"n_fft = {right.n_fft}; win_length = {right.win_length}")
        yield _front_end("configuration", f"n_fft and win_length {size}", mel, *wanted)
    for factors in WRONG_FACTORS.get(len(own_factors), ()):
        hop = math.prod(factors)
        yield Mistake(
            "configuration",
            f"factors {list(factors)}, hop {hop}",
            (f"factors = {list(own_factors)}, hop {right.hop_length}",),
            lambda bench, f=factors, h=hop: bench.with_front_end(replace(right, hop_length=h), f),  # type: ignore[misc]
        )
    yield Mistake(
        "configuration",
        "sample_rate 22050, clips resampled to it",
        (f"sample_rate = {right.sample_rate} Hz",),
        lambda bench: bench.with_clips(
            lambda audio: resample(audio, right.sample_rate, 22050), replace(right, sample_rate=22050)
        ),
    )


def _of_forks(right: GeneralMel) -> Iterator[Mistake]:
    scale = right.scale
    wanted, slope = "logarithm = log10 of power", "slope of the logarithm = 0.43 times as steep"
    yield _front_end("front end", "natural logarithm", replace(right, scale=1.0), wanted, slope)
    yield _front_end("front end", "decibels", replace(right, scale=10 * scale), wanted)
    yield _front_end("front end", "magnitude instead of power", replace(right, power=1.0), wanted)
    yield _front_end("front end", "natural logarithm of magnitude", replace(right, power=1.0, scale=1.0), wanted)
    yield _front_end("front end", "no logarithm", replace(right, logarithm=False, scale=0.0), wanted)
    yield _front_end("front end", "Slaney's mel scale", replace(right, mel_scale="slaney"), "mel scale = htk")
    yield _front_end("front end", "Slaney's mel norm", replace(right, mel_norm=True), "mel norm = none")
    both = replace(right, mel_scale="slaney", mel_norm=True)
    yield _front_end("front end", "Slaney's mel scale and norm", both, "mel scale and norm = htk and none")
    scaled = "scale of the audio that the mel is made from = 1/32768 times"
    yield _front_end("front end", "mel made from int16 audio", replace(right, gain=32768.0), scaled)
    yield _front_end("front end", "preemphasis 0.97", replace(right, preemphasis=0.97), "preemphasis = 0")
    yield _front_end("front end", "STFT not centred", replace(right, lead=128), "frames = centred on whole hops")
    rate, hop, mels = right.sample_rate, right.hop_length, right.n_mels
    theirs = ("front end = ivanvovk's", "front end = ivanvovk's at its defaults")
    yield _front_end("front end", "lmnt's", of_lmnt(LmntMel(rate, hop, mels)), *theirs)
    yield _front_end("front end", "coqui's", of_coqui(CoquiMel(rate, 1024, 1024, hop, 0.0, None, mels)), *theirs)
    yield Mistake(
        "network",
        "noise level is alphas_cumprod",
        ("noise level = alphas_cumprod",),
        lambda bench: bench.with_vocoder(OtherLevel(**vars(bench.vocoder))),
    )


def _of_clips(rate: int) -> Iterator[Mistake]:
    louder = "level of the clips = "
    yield _clips("20 dB too quiet", f"{louder}10 times as loud", lambda x: 0.1 * x)
    yield _clips("12 dB too quiet", f"{louder}4 times as loud", lambda x: 0.25 * x)
    yield _clips("12 dB too loud, clipped", f"{louder}a quarter as loud", lambda x: 4 * x)
    yield _clips("polarity inverted", "polarity of the clips = inverted", lambda x: -x)
    yield _clips("played backwards", "direction of the clips = backwards", lambda x: x.flip(0))
    yield _clips(
        "pre-emphasised", "pre-emphasis of the clips = undone (0.97)", partial(preemphasised, coefficient=0.97)
    )
    for other in (22050, 24000):
        wanted = f"true sample rate of the clips = {other} Hz"
        yield _clips(f"{other} Hz, said to be {rate}", wanted, partial(resample, rate=rate, target=other))


def _of_weights() -> Iterator[Mistake]:
    yield Mistake("weights", "random", ("untrained",), lambda bench: bench.with_weights(_reset))
    yield Mistake("weights", "shuffled in each tensor", ("untrained",), lambda bench: bench.with_weights(_shuffle))
    half = partial(_reset, every=2)
    yield Mistake("weights", "every other layer random", ("untrained",), lambda bench: bench.with_weights(half))
    yield Mistake("weights", "mel layer zero", ("deaf",), lambda bench: bench.with_weights(_deafen))


def _together(right: GeneralMel) -> Iterator[Mistake]:
    """Tries no whole front ends of others: the demo voice's own is one of these, and would be found at once."""
    band = {"f_min": f"{right.f_min:g} Hz", "f_max": f"{right.f_max:g} Hz"}
    log = {"logarithm": "log10 of power"}
    size = {"n_fft and win_length": f"{right.n_fft}"}
    low, high = {"f_min": band["f_min"]}, {"f_max": band["f_max"]}
    yield _several(right, low | {"mel scale": "htk"}, f_min=0.0, mel_scale="slaney")
    yield _several(right, low | log, f_min=0.0, scale=1.0)
    yield _several(right, high | size, f_max=4000.0, n_fft=2048, win_length=2048)
    yield _several(right, log | {"mel norm": "none"}, power=1.0, mel_norm=True)
    yield _several(right, band | {"preemphasis": "0"}, f_min=0.0, f_max=7600.0, preemphasis=0.97)


def _front_end(where: str, name: str, mel: GeneralMel, *wanted: str) -> Mistake:
    return Mistake(where, name, wanted, lambda bench: bench.with_front_end(mel))


def _clips(name: str, wanted: str, spoil: Callable[[Tensor], Tensor]) -> Mistake:
    return Mistake("clips", name, tuple(wanted.split("|")), lambda bench: bench.with_clips(spoil))


def _several(right: GeneralMel, mends: dict[str, str], **wrong: Any) -> Mistake:
    name = ", ".join(f"{setting} {value}" for setting, value in wrong.items())
    orders = permutations(f"{setting} = {value}" for setting, value in mends.items())
    mel = replace(right, **wrong)
    wanted = tuple("; ".join(order) for order in orders)
    return Mistake("several at once", name, wanted, lambda bench: bench.one_at_a_time(mel))


def _reset(network: WaveGradNetwork, every: int = 1) -> None:
    """Gives random weights to all layers, or to every second one."""
    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    for layer in layers[::every]:
        layer.reset_parameters()


def _shuffle(network: WaveGradNetwork) -> None:
    for parameter in network.parameters():
        flat = parameter.flatten()
        parameter.copy_(flat[torch.randperm(len(flat))].view_as(parameter))


def _deafen(network: WaveGradNetwork) -> None:
    network.mel.weight.zero_()
